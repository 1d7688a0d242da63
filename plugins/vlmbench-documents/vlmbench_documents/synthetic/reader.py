"""Reader `synthetic`: draws documents and asks for the values they were drawn from."""

import json
from collections.abc import Iterator

from vlmbench_documents.options import SyntheticOptions
from vlmbench_documents.synthetic.conditions import apply
from vlmbench_documents.synthetic.drawing import draw
from vlmbench_documents.synthetic.layout import Line, lay_out
from vlmbench_documents.synthetic.values import Document, make_document
from vlmbench_sdk import ReadJob, Sample

QUESTIONS: dict[str, dict[str, tuple[str, str, str]]] = {
    "receipt": {
        "company": ("text", "What is the name of the company on this receipt?", "Какая организация выдала чек?"),
        "date": ("date", "What is the date of this receipt?", "Какая дата стоит на чеке?"),
        "address": ("text", "What is the address of the company?", "Какой адрес организации указан на чеке?"),
        "total": ("money", "What is the total amount of this receipt?", "Какая итоговая сумма чека?"),
    },
    "invoice": {
        "number": ("text", "What is the number of this invoice?", "Какой номер у счёта-фактуры?"),
        "date": ("date", "What is the date of this invoice?", "Какая дата у счёта-фактуры?"),
        "seller": ("text", "Who is the seller?", "Кто продавец?"),
        "buyer": ("text", "Who is the buyer?", "Кто покупатель?"),
        "total": ("money", "What is the total due?", "Какая сумма к оплате?"),
    },
    "id_card": {
        "surname": ("text", "What is the surname on this card?", "Какая фамилия указана в документе?"),
        "given_name": ("text", "What is the given name on this card?", "Какое имя указано в документе?"),
        "birth_date": ("date", "What is the date of birth?", "Какая дата рождения указана?"),
        "number": ("text", "What is the number of this card?", "Какой номер у документа?"),
    },
}
"""Answer type and question in English and Russian, by kind and field."""
JSON_QUESTION = {
    "en": "Read {fields} and answer with one JSON object with these keys.",
    "ru": "Прочитай {fields} и ответь одним объектом JSON с этими ключами.",
}
PAGE_QUESTION = {"en": "Write down all text of this page.", "ru": "Перепиши весь текст страницы."}


def read(job: ReadJob[SyntheticOptions]) -> Iterator[Sample]:
    """Draw every document under every condition; the same seed gives the same pixels.

    The bytes of the files are also the same wherever Pillow, its FreeType and its zlib are the same.

    A document depends on seed, language, kind and its own number only, so that a larger set begins with
    the smaller one.
    """
    options = job.options
    language = options.language or ("ru" if job.language == "ru" else "en")
    for number in range(options.documents):
        kind = options.kinds[number % len(options.kinds)]
        document = make_document(options.seed, number, kind, language)
        lines = lay_out(document, options.seed)
        name = f"{options.seed}:{language}:{kind}:{number}"
        page = draw(lines, name, options.width)
        for condition in options.conditions:
            file = f"{kind}-{number:05d}-{condition}.png"
            # Fixed parameters: Pillow's defaults could change what bytes the same pixels become.
            apply(page, condition, name).save(job.out / file, format="PNG", compress_level=6, optimize=False)
            for ask in options.ask:
                yield from _samples(document, lines, condition, file, ask, job.split)


def _samples(
    document: Document, lines: list[Line], condition: str, file: str, ask: str, split: str
) -> Iterator[Sample]:
    language, kind = document.language, document.kind
    doc_id = f"{kind}-{document.number:05d}"
    base = Sample(
        sample_id=f"{doc_id}-{condition}",
        doc_id=doc_id,
        split=split,
        subset=condition,
        doc_type=kind,
        images=(file,),
        language=language,
    )
    if ask == "fields":
        for field, (answer_type, english, russian) in QUESTIONS[kind].items():
            asked = {
                "sample_id": f"{base.sample_id}-{field}",
                "field": field,
                "answer_type": answer_type,
                "question": russian if language == "ru" else english,
                "references": (document.fields[field],),
            }
            yield base.model_copy(update=asked)
    elif ask == "json":
        asked = {
            "sample_id": f"{base.sample_id}-key_fields",
            "field": "key_fields",
            "answer_type": "json",
            "question": JSON_QUESTION[language].format(fields=", ".join(document.fields)),
            "references": (json.dumps(document.fields, ensure_ascii=False),),
        }
        yield base.model_copy(update=asked)
    else:
        text = "\n".join(f"{line.text} {line.right}".strip() for line in lines if line.text.strip("- "))
        asked = {
            "sample_id": f"{base.sample_id}-page_text",
            "field": "page_text",
            "answer_type": "page_text",
            "question": PAGE_QUESTION[language],
            "references": (text,),
        }
        yield base.model_copy(update=asked)
