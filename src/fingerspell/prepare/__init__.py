"""From folders of class-sorted pictures to a checked, split data set folder."""
