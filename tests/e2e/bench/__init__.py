"""The benchmarks: all of them run, small."""
