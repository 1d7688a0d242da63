"""Known values of made-up documents, from a seed. Every name is invented; checksums are valid."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

_EN_SHOPS = ("GREEN VALLEY", "HARBOUR", "SUNRISE", "OLD MILL", "NORTH STAR", "MAPLE CORNER", "BLUE DOOR", "CITY LIGHT")
_EN_TRADES = ("MINI MARKET", "BAKERY", "HARDWARE", "STATIONERY", "CAFE", "PHARMACY", "BOOKS", "GROCERY")
_EN_FORMS = ("LTD", "SDN BHD", "INC", "LLC", "TRADING")
_EN_STREETS = (
    "Mill Road",
    "Station Street",
    "Jalan Merdeka",
    "High Street",
    "Park Avenue",
    "Lorong Maju 2",
    "Dock Lane",
)
_EN_TOWNS = ("14000 Bukit Mertajam", "50480 Kuala Lumpur", "Leeds LS1 4DY", "Portland, OR 97204", "81100 Johor Bahru")
_EN_GOODS = ("White bread", "Milk 1L", "Pen blue", "Notebook A5", "Green tea", "Batteries AA", "Apples 1kg", "Soap",
             "Paper towel", "Coffee beans", "Screws 4x40", "Tape 50mm", "Rice 5kg", "Honey jar", "Candle")  # fmt: skip
_RU_SHOPS = ("Ромашка", "Северный ветер", "Добрый день", "Лесная поляна", "Вектор", "Уютный дом", "Кедр", "Новый берег")
_RU_PEOPLE = ("Иванова А. П.", "Петров С. В.", "Сидоренко О. И.", "Кузнецов Д. М.")
_RU_STREETS = ("ул. Садовая", "ул. Ленина", "пр-т Мира", "ул. Гагарина", "наб. Речная", "пер. Тихий", "ул. Полевая")
_RU_TOWNS = ("г. Москва", "г. Казань", "г. Томск", "г. Самара", "г. Псков", "г. Тверь")
_RU_GOODS = ("Хлеб белый", "Молоко 1 л", "Ручка синяя", "Тетрадь 48 л", "Чай зелёный", "Батарейка АА", "Яблоки 1 кг",
             "Мыло", "Полотенце бум.", "Кофе в зёрнах", "Саморез 4х40", "Скотч 50 мм", "Рис 900 г", "Мёд",
             "Свеча")  # fmt: skip
_EN_SURNAMES = ("ARDEN", "BROOKFIELD", "CALLOWAY", "DUNMORE", "ELLERBY", "FENWICK")
_EN_NAMES = ("CLARA", "EDMUND", "HELEN", "JASPER", "LYDIA", "OSCAR")
_RU_SURNAMES = ("БЕРЁЗКИН", "ВОРОНЦОВ", "ГОРИН", "ДУБРОВСКИЙ", "ЕЛЬНИКОВ", "ЖДАНОВ")
_RU_NAMES = ("АНТОН", "БОРИС", "ГЛЕБ", "ЕГОР", "МАКСИМ", "ФЁДОР")
_MONTHS_RU = ("января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
              "ноября", "декабря")  # fmt: skip
# strftime's %b would follow the locale of the process.
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Item:
    """One line of goods; prices in cents."""

    name: str
    count: int
    price: int

    @property
    def amount(self) -> int:
        """What the line costs."""
        return self.count * self.price


@dataclass(frozen=True, slots=True)
class Document:
    """What a document says. `fields` are the values that are asked for, as they are printed."""

    kind: str
    language: str
    number: int
    fields: dict[str, str]
    items: tuple[Item, ...]
    currency: str
    tax_id: str
    phone: str


def make_document(seed: int, number: int, kind: str, language: str) -> Document:
    """Make the values of one document; other documents of the seed have no part in them."""
    rng = Random(f"{seed}:{language}:{kind}:{number}")  # noqa: S311 - drawings, not secrets
    currency = rng.choice(("руб.", "₽") if language == "ru" else ("RM", "$", "€"))
    goods = rng.sample(_RU_GOODS if language == "ru" else _EN_GOODS, rng.randint(3, 7))
    items = tuple(Item(name, rng.choice((1, 1, 1, 2, 3)), rng.randint(95, 4999)) for name in goods)
    makers = {"receipt": _receipt, "invoice": _invoice, "id_card": _id_card}
    fields = makers[kind](rng, language, currency, sum(item.amount for item in items))
    return Document(
        kind=kind,
        language=language,
        number=number,
        fields=fields,
        items=items,
        currency=currency,
        tax_id=make_inn(rng),
        phone=f"{rng.randint(200, 999)}-{rng.randint(1000, 9999)}",
    )


def _receipt(rng: Random, language: str, currency: str, total: int) -> dict[str, str]:
    return {
        "company": _company(rng, language),
        "date": _date(rng, language),
        "address": _address(rng, language),
        "total": amount(total, language, currency if rng.random() < 0.5 else ""),
    }


def _invoice(rng: Random, language: str, currency: str, total: int) -> dict[str, str]:
    number = f"{rng.randint(1, 999)}/{rng.choice('ABCD')}" if language == "en" else f"УТ-{rng.randint(100, 9999)}"
    return {
        "number": number,
        "date": _date(rng, language),
        "seller": _company(rng, language),
        "buyer": _company(rng, language),
        "total": amount(total, language, currency),
    }


def _id_card(rng: Random, language: str, currency: str, total: int) -> dict[str, str]:  # noqa: ARG001
    russian = language == "ru"
    return {
        "surname": rng.choice(_RU_SURNAMES if russian else _EN_SURNAMES),
        "given_name": rng.choice(_RU_NAMES if russian else _EN_NAMES),
        "birth_date": (date(1950, 1, 1) + timedelta(days=rng.randint(0, 20000))).strftime("%d.%m.%Y"),
        "number": f"{rng.randint(0, 99):02d} {rng.randint(0, 99):02d} {rng.randint(0, 999999):06d}",
    }


def _company(rng: Random, language: str) -> str:
    if language == "ru":
        if rng.random() < 0.25:
            return f"ИП {rng.choice(_RU_PEOPLE)}"
        return f"{rng.choice(('ООО', 'АО'))} «{rng.choice(_RU_SHOPS)}»"
    return f"{rng.choice(_EN_SHOPS)} {rng.choice(_EN_TRADES)} {rng.choice(_EN_FORMS)}"


def _address(rng: Random, language: str) -> str:
    if language == "ru":
        return f"{rng.choice(_RU_TOWNS)}, {rng.choice(_RU_STREETS)}, д. {rng.randint(1, 120)}"
    return f"{rng.randint(1, 240)} {rng.choice(_EN_STREETS)}, {rng.choice(_EN_TOWNS)}"


def _date(rng: Random, language: str) -> str:
    day = date(2023, 1, 1) + timedelta(days=rng.randint(0, 1000))
    style = rng.randrange(3)
    if language == "ru":
        if style == 0:
            return f"{day.day} {_MONTHS_RU[day.month - 1]} {day.year} г."
        return day.strftime("%d.%m.%Y" if style == 1 else "%d.%m.%y")
    return day.strftime(("%d/%m/%Y", "%d-%m-%Y", f"%d {_MONTHS_EN[day.month - 1]} %Y")[style])


def amount(cents: int, language: str, currency: str = "") -> str:
    """An amount as it is printed: 1 234,50 руб. or RM1,234.50."""
    if language == "ru":
        number = f"{cents / 100:,.2f}".replace(",", " ").replace(".", ",")
        return f"{number} {currency}".strip()
    return f"{currency}{cents / 100:,.2f}"


def make_inn(rng: Random) -> str:
    """A ten-digit ИНН with its check digit: weights 2 4 10 3 5 9 4 6 8 modulo 11 modulo 10.

    Source: order ММВ-7-6/435@ of the Federal Tax Service of Russia, annex on the structure of the ИНН.
    """
    digits = [rng.randint(1, 9), *(rng.randint(0, 9) for _ in range(8))]
    weights = (2, 4, 10, 3, 5, 9, 4, 6, 8)
    check = sum(digit * weight for digit, weight in zip(digits, weights, strict=True)) % 11 % 10
    return "".join(map(str, [*digits, check]))
