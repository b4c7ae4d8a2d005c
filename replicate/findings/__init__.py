"""From numbers to findings: the table of results, intervals, the claims and their verdicts, comparisons of runs."""
