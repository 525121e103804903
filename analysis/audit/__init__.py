"""An audit in words: who gains and who loses by what is shown, by how much, and how sure it is."""
