"""Differences that are meant: a pattern of the title that compare.py prints, and why."""

WANTED = []
