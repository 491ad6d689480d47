"""What an operator of a server needs: its log, and a new recogniser without a stop."""
