"""Made-up names of the sample registry: common ones of Hong Kong, and one of each kind that is hard."""

from __future__ import annotations

from typing import NamedTuple


class Name(NamedTuple):
    surname: str
    given_names: str = ""
    preferred_name: str = ""
    chinese_name: str = ""


# by frequency; the first ones make the popular account names
COMMON_SURNAMES = (
    ("CHAN", "陳"), ("WONG", "黃"), ("LEE", "李"), ("CHEUNG", "張"), ("LAU", "劉"),
    ("LAM", "林"), ("NG", "吳"), ("CHENG", "鄭"), ("HO", "何"), ("LEUNG", "梁"),
    ("CHOW", "周"), ("YEUNG", "楊"), ("TSANG", "曾"), ("YIP", "葉"), ("TANG", "鄧"),
    ("HUI", "許"), ("KWOK", "郭"), ("MAK", "麥"), ("AU YEUNG", "歐陽"), ("SZETO", "司徒"),
)  # fmt: skip
COMMON_GIVEN = (
    ("Tai Man", "大文"), ("Siu Ming", "小明"), ("Ka Yan", "嘉欣"), ("Wing Sze", "詠詩"),
    ("Chi Keung", "志強"), ("Mei Ling", "美玲"), ("Kwok Wai", "國偉"), ("Hoi Ching", "凱晴"),
    ("Tsz Kin", "子健"), ("Yuk Lan", "玉蘭"), ("Wai", "偉"), ("Chun Ho", "俊豪"),
    ("Lok Yiu", "樂瑤"), ("Man", "敏"),
)  # fmt: skip

ODD_NAMES = (
    Name("AU-YEUNG", "Hoi-Lam", "Helen", "歐陽凱琳"),
    Name("CHAN WONG", "Mei Yee", "", "陳黃美儀"),
    Name("O'CONNOR", "Seán Pádraig", "Sean"),
    Name("D’Souza", "Maria-João", "Mary"),
    Name("van der Berg", "Jan Willem"),
    Name("DE LA CRUZ", "José María", "Pepe"),
    Name("von Goßler", "Jürgen"),
    Name("Nguyễn", "Thị Ánh Tuyết"),
    Name("Łukasiewicz", "Żaneta Stanisława"),
    Name("Şahin", "İpek Gülşah"),
    Name("Guðmundsdóttir", "Þórunn Æsa"),
    Name("Sørensen", "Åse Bjørk"),
    Name("Dvořák", "Jiří"),
    Name("Popović", "Đorđe"),
    Name("Ştefănescu", "Ioniță"),
    Name("SUKARNOPUTRI"),
    Name("Sukarno", "", "Karno"),
    Name("U", "Ka I", "", "余家怡"),
    Name("E", "Wai", "", "鄂偉"),
    Name("WOLFESCHLEGELSTEINHAUSENBERGERDORFF", "Hubert Blaine Adolph Charles David Earl Frederick"),
    Name("ＣＨＥＮＧ", "Ｋａ Ｍｉｎｇ", "", "鄭嘉明"),
    Name("bin Abdullah", "Muhammad Al-Amin"),
    Name("St. John-Smythe", "Anne-Marie", "Annie"),
    Name("Ó Súilleabháin", "Caoimhín"),
    Name("李", "小龍", "", "李小龍"),  # no Latin letter: waits in the operators' queue
)
