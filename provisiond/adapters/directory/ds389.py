"""What only a 389 Directory Server has: plugins in cn=config that must be on. Whether they are is looked up here;
setup_ds389.py switches them on."""

from __future__ import annotations

from provisiond.adapters.directory.dn import normalise_dn
from provisiond.adapters.directory.session import RawEntry, Session

PLUGINS = "cn=plugins,cn=config"
MUST_BE_UNIQUE = ("uid", "mail", "provisiondPersonId")
_MEMBER_OF, _UNIQUE = "memberof_postop_init", "nsuniqueattr_init"
_WANTED = (
    "nsslapd-pluginInitfunc",
    "nsslapd-pluginEnabled",
    "uniqueness-attribute-name",
    "uniqueness-subtrees",
)
_HOW = "run provisiond directory init"


def plugin_faults(session: Session, people_base: str) -> list[str]:
    """One sentence for each plugin that is off, as far as we may see."""
    plugins = session.search(PLUGINS, "(nsslapd-pluginEnabled=*)", _WANTED)
    if not plugins:
        return [f"directory: {PLUGINS} is not to be seen by us, so neither what is unique: {_HOW}"]
    on = [plugin for plugin in plugins if _texts(plugin, "nsslapd-pluginEnabled") == ["on"]]
    unique = {name for plugin in on for name in _unique_names(plugin, people_base)}
    found = [] if any(_is(plugin, _MEMBER_OF) for plugin in on) else ["the MemberOf plugin is off"]
    found += [f"nothing keeps {name} unique" for name in MUST_BE_UNIQUE if name.lower() not in unique]
    return [f"directory: {fault}: {_HOW}" for fault in found]


def _unique_names(plugin: RawEntry, people_base: str) -> list[str]:
    """What a uniqueness plugin keeps unique below the accounts, or a base above them; one that is told several
    attributes takes them together, which is stricter."""
    bases = [normalise_dn(base) for base in _texts(plugin, "uniqueness-subtrees")]
    covers = any(people_base == base or people_base.endswith(f",{base}") for base in bases)
    if not _is(plugin, _UNIQUE) or not covers:
        return []
    return [name.lower().strip() for name in _texts(plugin, "uniqueness-attribute-name")]


def _is(plugin: RawEntry, function: str) -> bool:
    return [name.lower() for name in _texts(plugin, "nsslapd-pluginInitfunc")] == [function]


def _texts(entry: RawEntry, attribute: str) -> list[str]:
    lower = {name.lower(): values for name, values in entry.attributes.items()}
    return [value.decode() for value in lower.get(attribute.lower(), ())]
