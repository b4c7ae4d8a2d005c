"""Numbers in, verdicts out: the table of runs, statistics over seeds, claims and their verdicts."""
