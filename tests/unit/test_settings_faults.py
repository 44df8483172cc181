"""An unsound configuration: every fault is named at once, with file, dotted key and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from provisiond.domain.errors import ConfigError
from provisiond.settings import load
from tests.unit.settings_file import SMALLEST, faults_of, write_settings

NAMES, LIFECYCLE, DIRECTORY, REGISTRY = "[names]\n", "[lifecycle]\n", "[directory]\n", "[[registry]]\n"


def test_all_faults_are_in_one_message(tmp_path: Path) -> None:
    """Of shape, of value, missing, across keys, and of secrets, in one go."""
    path = write_settings(
        tmp_path,
        ('time_zone = "Asia/Hong_Kong"', 'time_zone = "Asia/Hongkon"'),
        ('domain = "example.edu"\n', ""),
        (NAMES, "[names]\nminimum_length = 9\nmaximum_length = 5\nalfabet = 'abc'\n"),
        (LIFECYCLE, "[lifecycle]\ngrace_months = 'four'\nreminder_days = [30, -7]\n"),
        ('groups = ["students"]', 'groups = ["studnets"]'),
        ('base = "dc=example,dc=edu"', 'base = "dc=example,edu"'),
        ("[ledger]", "[ledgre]"),
    )
    (tmp_path / "digest-key").unlink()

    with pytest.raises(ConfigError) as caught:
        load(path)

    keys = {fault.removeprefix(f"{path}: ").split(":")[0] for fault in caught.value.faults}
    assert keys == {
        "university.domain",
        "university.time_zone",
        "names.alfabet",
        "names",
        "lifecycle.grace_months",
        "lifecycle.reminder_days[2]",
        "entitlements.active.groups",
        "directory.base",
        "ledgre",
        "ledger",
        "digest_key_file",
    }
    assert all(fault.startswith(f"{path}: ") for fault in caught.value.faults)
    assert str(caught.value) == "\n".join(caught.value.faults)


@pytest.mark.parametrize(
    ("old", "new", "suggestion"),
    [
        (DIRECTORY, "[directry]\n", "directry: unknown key 'directry'; did you mean 'directory'?"),
        (
            "password_file",
            "passwrod_file",
            "directory.passwrod_file: unknown key 'passwrod_file'; did you mean 'password_file'?",
        ),
        (
            "[entitlements.on-leave]",
            "[entitlements.on_leave]",
            "entitlements.on_leave: unknown key 'on_leave'; did you mean 'on-leave'?",
        ),
        (
            "student_id =",
            "stdent_id =",
            "registry[students].fields.stdent_id: unknown 'stdent_id'; did you mean 'student_id'?",
        ),
        (
            'groups = ["students"]',
            'groups = ["studnets"]',
            "entitlements.active.groups: unknown 'studnets'; did you mean 'students'? "
            "(groups are listed in [groups])",
        ),
        (DIRECTORY, "[directory]\ntime_zone = 'UTC'\n", "directory.time_zone: unknown 'time_zone' here; "
         "it belongs to university.time_zone"),
    ],
)  # fmt: skip
def test_an_unknown_word_gets_a_suggestion(tmp_path: Path, old: str, new: str, suggestion: str) -> None:
    assert suggestion in faults_of(write_settings(tmp_path, (old, new)))


@pytest.mark.parametrize(
    ("text", "place"),
    [("a = 1\nb = = 2\n", ":2:5: not valid TOML"), ("a = [1,\n", ":1: not valid TOML")],
)
def test_a_syntax_fault_has_its_line(tmp_path: Path, text: str, place: str) -> None:
    path = write_settings(tmp_path, text=text)

    (fault,) = faults_of(path)

    assert f"{path}{place}" in fault


def test_a_missing_file_and_other_encodings_are_told(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b"# one\nname = '\xe9'\n")

    assert "No such file" in faults_of(tmp_path / "absent.toml")[0]
    assert faults_of(latin)[0] == f"{latin}:2: not UTF-8 text"


def test_an_empty_file_misses_every_required_section(tmp_path: Path) -> None:
    found = [fault.partition(":")[0] for fault in faults_of(write_settings(tmp_path, text=""))]

    assert found == ["digest_key_file", "university", "ledger", "registry", "entitlements", "directory"]


FAULTS = [
    # -- shape and values
    (("login = true", 'login = "yes"'), "entitlements.pending.login: must be true or false (found 'yes')"),
    (("login = false", ""), "entitlements.alumni.login: missing"),
    (("[entitlements.grace]\nlogin = true", ""), "entitlements.grace: missing"),
    (('"20 GiB"', '"20 gigs"'), "entitlements.active.quota: must be a size"),
    (('["student"]', '["pupil"]'), "entitlements.active.affiliations[1]: must be 'faculty'"),
    (('"operators@example.edu"', '"operators"'), "university.operators[1]: must be a mail address"),
    (('domain = "example.edu"', 'domain = "example"'), "university.domain: must be a domain"),
    (("Asia/Hong_Kong", "Asia/Hong_Kog"), "unknown time zone; did you mean 'Asia/Hong_Kong'?"),
    ((LIFECYCLE, LIFECYCLE + "reminder_days = [7, 0]\n"), "lifecycle.reminder_days[2]: must be at least 1"),
    ((LIFECYCLE, LIFECYCLE + "grace_months_by_level = {postgraduate = 2}\n"), "by_level.postgraduate"),
    ((NAMES, NAMES + 'patterns = ["{first}"]\n'), "names.patterns[1]: knows no {first}"),
    ((NAMES, NAMES + 'patterns = ["student"]\n'), "names.patterns[1]: has no placeholder"),
    ((NAMES, "[brakes.losses]\npercent = 120\n[names]\n"), "brakes.losses.percent: must be at most 100"),
    (("dc=example,dc=edu\"\n", "example.edu\"\n"), "directory.bind_dn: is not a DN"),
    # -- across keys
    ((NAMES, NAMES + "minimum_length = 9\nmaximum_length = 8\n"), "names: maximum_length must not be less"),
    ((NAMES, NAMES + "maximum_length = 3\n"), "names.maximum_length: leaves no room for a suffix"),
    ((NAMES, NAMES + 'suffix_style = "digits"\n'), "names: alphabet must hold the digits"),
    ((NAMES, NAMES + 'reserved_file = "absent"\n'), "names.reserved_file: "),
    ((LIFECYCLE, LIFECYCLE + 'precedence = ["undergraduate"]\n'), "precedence: must name each level"),
    ((LIFECYCLE, LIFECYCLE + "reminder_days = []\n"), "no account would ever expire"),
    ((LIFECYCLE, LIFECYCLE + "reminder_days = [3]\n"), "minimum_lead_days: every expiry would move"),
    ((LIFECYCLE, LIFECYCLE + 'required_notices = ["alumni"]\n'), "alumni does not announce an expiry"),
    (("terminated]\nlogin = false", "terminated]\nlogin = true"), "login: must be false"),
    ((DIRECTORY, DIRECTORY + 'people_base = "ou=people,dc=other"\n'), "people_base: must lie below"),
    ((DIRECTORY, DIRECTORY + 'people_base = "ou=groups,dc=example,dc=edu"\n'), "is the same as another base"),
    (("ldaps://directory", "ldap://directory"), "ldap://directory.example.edu is not encrypted"),
    (("directory.example.edu", "directory.example.edu:x"), "directory.urls[1]: names no sound port"),
    (("ldaps://directory", "https://directory"), "directory.urls[1]: must start with ldaps://"),
    ((DIRECTORY, DIRECTORY + "start_tls = true\n"), "directory.start_tls: does not go with ldaps://"),
    ((DIRECTORY, DIRECTORY + 'bind = "external"\n'), 'directory.bind: "external" does not go with ldaps://'),
    (('password_file = "password"', ""), 'directory.password_file: missing: bind = "simple" needs it'),
    ((DIRECTORY, DIRECTORY + 'ca_file = "absent.pem"\n'), "directory.ca_file: "),
    ((DIRECTORY, '[directory.admin]\nbind = "simple"\n[directory]\n'), "directory.admin.bind_dn: missing"),
    (('path = "ledger.sqlite"', ""), "ledger: needs either path (a SQLite file) or url"),
    (('path = "ledger.sqlite"', 'url = "mysql://db/x"'), "ledger.url: must start with postgresql+psycopg://"),
    (('path = "ledger.sqlite"', 'url = "postgresql://u:pw@db/x"'), "ledger.url: must not hold a password"),
    (('path = "ledger.sqlite"', 'url = "postgresql://u@db"'), "ledger.url: names no database"),
    (
        ('path = "ledger.sqlite"', 'url = "postgresql://u@db/x"\npassword_file = "none"'),
        "ledger.password_file: secret file",
    ),
    (('path = "ledger.sqlite"', 'path = "x.db"\npassword_file = "y"'), "ledger.password_file: goes with url"),
    (("ledger.sqlite", "ledger?"), "ledger.path: must have the form"),
    (('digest_key_file = "digest-key"', 'digest_key_file = "password"'), "digest_key_file: "),
    (('full_name = "Name"', 'surname = "Name"'), "registry[students].fields.given_names: missing"),
    (('status = "Status"\n', ""), "registry[students].fields.status: missing"),
    ((NAMES, '[registry.codes.status]\nX = "gone"\n[names]\n'), "[students].codes.status.X: unknown 'gone'"),
    ((NAMES, '[registry.codes.hkid]\nX = "gone"\n[names]\n'), "[students].codes.hkid: is about a field"),
    ((REGISTRY, REGISTRY + 'encoding = "utf-9"\n'), "registry[students].encoding: 'utf-9' is not known"),
    ((REGISTRY, REGISTRY + "trailer = 'END'\n"), "registry[students].trailer: must be a regular expression"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), FAULTS, ids=[expected for _, expected in FAULTS])
def test_a_fault_is_named(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    assert any(expected in fault for fault in faults_of(write_settings(tmp_path, change)))


@pytest.mark.parametrize(("change", "expected"), FAULTS, ids=[expected for _, expected in FAULTS])
def test_a_fault_shows_no_secret(tmp_path: Path, change: tuple[str, str], expected: str) -> None:
    """Neither that of a file nor one that was written into the configuration by mistake."""
    inline = (DIRECTORY, DIRECTORY + 'password = "hunter2-inline"\n')
    text = "\n".join(faults_of(write_settings(tmp_path, change, inline)))

    assert "directory.password: unknown key" in text
    assert "hunter2" not in text


def test_two_registries_of_one_name_are_refused(tmp_path: Path) -> None:
    one = SMALLEST[SMALLEST.index(REGISTRY) : SMALLEST.index(NAMES)]

    (fault,) = faults_of(write_settings(tmp_path, (NAMES, one + NAMES)))

    assert fault.startswith("registry[students].name: stands twice")


def test_an_external_bind_over_a_local_socket_needs_no_password(tmp_path: Path) -> None:
    changes = (
        ("ldaps://directory.example.edu", "ldapi:///"),
        ('password_file = "password"', 'bind = "external"'),
    )

    assert faults_of(write_settings(tmp_path, *changes)) == []


def test_a_rule_of_adoption_must_make_sense(tmp_path: Path) -> None:
    path = write_settings(
        tmp_path,
        (DIRECTORY, '[adopt]\nattribute = "employee number"\npattern = "(unclosed"\n[directory]\n'),
        (
            'base = "dc=example,dc=edu"\n',
            'base = "dc=example,dc=edu"\n'
            'account_bases = ["ou=groups,dc=example,dc=edu", "ou=staff,dc=example,dc=org"]\n',
        ),
    )
    keys = [fault.split(":")[0] for fault in faults_of(path)]
    assert keys == ["adopt.attribute", "adopt.pattern", "directory.account_bases", "directory.account_bases"]


def test_mail_is_not_sent_in_the_clear_nor_without_a_sender_nor_given_up_at_once(tmp_path: Path) -> None:
    section = """[mail]
host = "mail.example.edu"
tls = "none"
user = "accounts"
sender = "accounts"
reply_to = "a@example.edu\\r\\nBcc: victim@example.edu"
backoff = "2 hours"
longest_backoff = "1 hour"
give_up_after = "1 hour"
"""
    told = "\n".join(faults_of(write_settings(tmp_path, (LIFECYCLE, section + LIFECYCLE))))
    assert told.count("mail.sender") == 1
    for expected in (
        'mail.tls: "none" is for a server on this machine',
        "mail: user and password_file go together",
        "mail.sender: must be a mail address",
        "mail.reply_to: must be a mail address",
        "mail.longest_backoff: must not be shorter than mail.backoff",
        "mail.give_up_after: must not be shorter than mail.backoff",
    ):
        assert expected in told


def test_without_a_host_there_is_no_mail_and_with_one_on_this_machine_no_encryption(tmp_path: Path) -> None:
    assert load(write_settings(tmp_path)).mail is None
    section = '[mail]\nhost = "localhost"\nsender = "Accounts <accounts@example.edu>"\n'
    mail = load(write_settings(tmp_path, (LIFECYCLE, section + LIFECYCLE))).mail
    assert mail is not None
    assert (mail.tls, mail.port, mail.bounces_to) == ("none", 25, "accounts@example.edu")
    assert (mail.message_id_domain, mail.data_timeout) == ("example.edu", 600)


def test_a_mailbox_is_not_read_in_the_clear_nor_without_a_log_in_nor_into_itself(tmp_path: Path) -> None:
    section = """[inbox]
host = "imap.example.edu"
tls = "none"
done_folder = "INBOX"
believed_for = "0 days"
"""
    told = faults_of(write_settings(tmp_path, ("[names]", f"{section}[names]")))
    for fault in (
        'inbox.tls: "none" is for a server on this machine',
        "inbox.user: missing",
        "inbox.done_folder: must be another folder",
        "inbox.believed_for: must be longer than nothing",
    ):
        assert any(one.startswith(fault) for one in told), (fault, told)
    folder = section.replace('"INBOX"', '"収件箱"')
    (told_of_folder,) = faults_of(write_settings(tmp_path, ("[names]", f"{folder}[names]")))[:1]
    assert told_of_folder.startswith("inbox.done_folder")


def test_codes_at_bind_are_refused_where_the_server_cannot_ask_for_them(tmp_path: Path) -> None:
    """A 389 Directory Server has no otp overlay: a policy that nothing enforces would only look safe."""
    kind = ("[directory]", '[portal]\nenforce_second_factor = ["students"]\n[directory]\nkind = "389ds"')
    with pytest.raises(
        ConfigError, match=r"portal\.enforce_second_factor: a 389 Directory Server asks for no"
    ):
        load(write_settings(tmp_path, kind))
