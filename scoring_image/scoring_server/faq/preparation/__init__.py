"""From raw questions, or a Stack Exchange dump, to the files that training and testing read."""
