"""Benchmarks: ours beside the usual ways to do the same, in turn, in one run. Run them with ``make bench`` on an idle machine."""
