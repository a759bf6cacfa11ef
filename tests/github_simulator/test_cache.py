"""The bounded cache."""

from __future__ import annotations

from apps.github_simulator.cache import BoundedCache


def test_the_least_recently_used_values_are_evicted() -> None:
    """Reading a value counts as using it."""
    cache: BoundedCache[str, int] = BoundedCache(3)
    for key in "abc":
        cache.put(key, ord(key))
    cache.get("a")

    cache.put("d", 1, size=2)

    assert [cache.get(key) for key in "abcd"] == [ord("a"), None, None, 1]


def test_a_replaced_value_gives_its_size_back() -> None:
    """So does a cleared one."""
    cache: BoundedCache[str, int] = BoundedCache(3)
    cache.put("a", 1, size=3)
    cache.put("a", 2, size=1)
    cache.put("b", 3, size=2)
    assert (cache.get("a"), cache.get("b")) == (2, 3)

    cache.clear()
    cache.put("c", 4, size=3)

    assert (cache.get("a"), cache.get("c")) == (None, 4)


def test_a_value_larger_than_the_cache_is_not_kept() -> None:
    cache: BoundedCache[str, int] = BoundedCache(3)

    cache.put("a", 1, size=4)

    assert cache.get("a") is None
