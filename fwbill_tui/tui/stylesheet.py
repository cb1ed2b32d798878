"""Which style rules apply to a part of the screen, found out once for all parts that stand alike.

Textual (8.2) goes through all rules for every part that is mounted or that takes or loses the focus, and again for each of
its component classes. That took a third of the time in which a dialog opens, and half of the time of a change of focus.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation
from textual.dom import DOMNode

_MOST_SOURCES = 512
"""Styles that are kept as parsed. Textual keeps 64, fewer than there are, and would parse all anew with every new one."""
_Standing: TypeAlias = tuple[tuple[type[DOMNode], str | None, frozenset[str], tuple[str, ...]], ...]
"""What selectors look at, of a node and of all it is in: type, id, classes, pseudo-classes."""


class _Candidates(NamedTuple):
    """What is known of the rules that name a node or one of its classes."""

    pseudo_classes: tuple[str, ...]
    by_place: bool
    """Whether they ask for a node's place among others, or for what is in it: that is not part of how it stands."""
    flags: dict[str, bool]
    """What Textual notes down about them in the node."""


class KeptStylesheet(Stylesheet):
    """Keeps the rules that were found until other styles are read."""

    def __init__(self, *, variables: dict[str, str]) -> None:
        super().__init__(variables=variables)
        self._parse_cache = LRUCache(_MOST_SOURCES)
        self._found_in: object = None
        self._candidates: dict[frozenset[str], _Candidates] = {}
        self._found: dict[_Standing, RulesMap] = {}
        self._applied: WeakKeyDictionary[DOMNode, RulesMap] = WeakKeyDictionary()
        self._depths: dict[tuple[CSSLocation, str], list[int]] = {}

    def _parse_rules(
        self, css: str, read_from: CSSLocation, is_default_rules: bool = False, tie_breaker: int = 0, scope: str = ""
    ) -> list[RuleSet]:
        """Textual parses styles anew for every widget that is further from the class they are of; what differs is one number."""
        rules = super()._parse_rules(css, read_from, is_default_rules, 1, scope)
        depths = self._depths.setdefault((read_from, css), [rule.tie_breaker for rule in rules])
        for rule, depth in zip(rules, depths, strict=True):
            rule.tie_breaker = depth * tie_breaker
        return rules

    def apply(self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], RulesMap] | None = None) -> None:
        candidates = self._candidates_for(node)
        if candidates.by_place:
            self._applied.pop(node, None)
            super().apply(node, animate=animate, cache=cache)
            return
        standing = _standing(node, candidates.pseudo_classes)
        rules = self._found.get(standing)
        if rules is None:
            found: dict[tuple[Any, ...], RulesMap] = {}
            super().apply(node, animate=animate, cache=found)
            self._found[standing] = self._applied[node] = next(iter(found.values()), RulesMap())
            return
        for name, value in candidates.flags.items():
            setattr(node, name, value)
        if rules and not (animate and self._applied.get(node) == rules):
            self.replace_rules(node, rules, animate=animate)
        self._applied[node] = rules
        self._process_component_classes(node)

    def _process_component_classes(self, node: DOMNode) -> None:
        changed = False
        for component in sorted(node._get_component_classes()):
            before = node._component_styles.get(component)
            if before is not None and before.node is not None and self._is_settled(before.node):
                continue
            virtual = DOMNode(classes=component)
            virtual._attach(node)
            self.apply(virtual)
            node._component_styles[component] = virtual.styles
            changed = changed or before != virtual.styles
        if changed:
            node.notify_style_update()
            node.refresh()

    def _is_settled(self, node: DOMNode) -> bool:
        """Whether a node has the rules that apply to it."""
        candidates, applied = self._candidates_for(node), self._applied.get(node)
        return applied is not None and self._found.get(_standing(node, candidates.pseudo_classes)) == applied

    def _candidates_for(self, node: DOMNode) -> _Candidates:
        rules_map = self.rules_map
        if self._found_in is not rules_map:
            self._found_in = rules_map
            self._candidates.clear()
            self._found.clear()
        names = frozenset(node._selector_names)
        known = self._candidates.get(names)
        if known is None:
            rules = [rule for name in names for rule in rules_map.get(name, ())]
            pseudo = set[str]().union(*(rule.pseudo_classes for rule in rules))
            flags = {
                "_has_hover_style": "hover" in pseudo,
                "_has_focus_within": "focus-within" in pseudo,
                "_has_order_style": not pseudo.isdisjoint(_ORDER),
                "_has_odd_or_even": not pseudo.isdisjoint(("odd", "even")),
            }
            by_place = not pseudo.isdisjoint(self._EXCLUDE_PSEUDO_CLASSES_FROM_CACHE)
            known = self._candidates[names] = _Candidates(tuple(sorted(pseudo)), by_place, flags)
        return known


_ORDER = ("first-of-type", "last-of-type", "first-child", "last-child", "empty")


def _standing(node: DOMNode, pseudo_classes: tuple[str, ...]) -> _Standing:
    return tuple(
        (type(one), one._id, one.classes, tuple(name for name in pseudo_classes if one.has_pseudo_class(name)))
        for one in node.css_path_nodes
    )
