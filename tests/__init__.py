"""The tests. A package of its own, so that every test can import ``tests.support``.

The folders of tests have no ``__init__.py``: they are named after the packages that they test.
"""
