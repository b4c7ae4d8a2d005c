"""REPORT.md, STUDIES.md and README's answer: templates with the prose, the words for numbers, figures."""
