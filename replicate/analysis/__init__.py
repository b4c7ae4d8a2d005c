"""The table of runs, statistics over seeds, claims and their verdicts."""
