"""Benchmarks: Tessera beside the stacks one would pick instead, in turns, on one machine, in one run.

`python -m bench` measures and writes `bench/RESULTS.md` and `bench/results.svg`; `--smoke` runs all of it small and
writes nothing. Absolute figures belong to a day and a machine: the ratios are what to keep.
"""
