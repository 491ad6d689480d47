"""How people keep pictures: class folders, tables, boxes, names that say the class."""
