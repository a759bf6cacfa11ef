"""How Django is traced."""
