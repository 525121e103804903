"""What is measured over the cells of a run, one question a file, each a tidy frame."""
