"""Tests of what explains a run."""
