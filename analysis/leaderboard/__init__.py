"""The leaderboard: one page and one data file of a study, from the folders of its runs."""
