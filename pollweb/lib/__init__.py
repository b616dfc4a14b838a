"""The floor: what every package may use, and what uses no package of ours."""
