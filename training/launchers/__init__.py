"""Where a run computes: in one process, in several of this machine, or on a Ray cluster.

A launcher decides where a run computes, never what it learns: the rows of each optimizer step, the
settings and the files it leaves are the same.
"""
