"""Batched tree search: takes an evaluator of states, knows no agent."""
