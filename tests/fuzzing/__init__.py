"""The parts of the fuzzer, which ``python -m tests.fuzz`` runs.

A sequence is an estimator and some calls, all written as Python expressions: what fails is printed
as a script. `names` holds what the expressions mean, `arguments` and `parameters` the expressions
to choose from, `sequences` draws them, and `verdicts` runs a sequence and judges each call.
"""
