"""Conclusions in each language of ``languages.toml`` but English."""

from __future__ import annotations

import pytest

from eci.answers.languages import ENGLISH, OTHERS
from eci.answers.reader import read_answer
from eci.questions.labels import PUBMEDQA, LabelSet

LATIN = LabelSet.from_options(
    {"A": "Sauerstoff", "B": "Thoraxdrainage", "C": "Ponction", "D": "Hierro oral"}
)
HAN = LabelSet.from_options({"A": "肝硬化", "B": "胆囊炎", "C": "肺塞栓症", "D": "心不全"})

LETTERS: dict[str, list[tuple[str, str | None]]] = {
    "de": [
        ("Die richtige Antwort ist (C).", "C"),
        ("Die Sonde liegt falsch. Daher lautet die richtige Antwort: **B) Thoraxdrainage**", "B"),
        ("Richtige Antwort: d", "D"),
        ("Somit ist Antwort D korrekt.", "D"),
        ("A ist falsch, B ist richtig.", "B"),
        ("Die Antwort ist nicht A, sondern B.", "B"),
        ("Ich würde mich für C entscheiden.", "C"),
        ("Die Antwort ist nicht B.", None),
        ("Die Antwort könnte A sein.", None),
        ("Wenn sie schwanger wäre, ist die Antwort B.", None),
        ("Die Antwort lautet A oder B.", None),
        ("Damit bleibt nur C übrig.", "C"),
        ("Daher wähle ich B.", "B"),
    ],
    "fr": [
        ("La réponse correcte est B.", "B"),
        ("Réponse finale : D", "D"),
        ("Donc, la bonne réponse est la réponse C.", "C"),
        ("L'option A est correcte.", "A"),
        ("La réponse B est incorrecte. La bonne réponse est A.", "A"),
        ("Je choisis C.", "C"),
        ("La réponse n'est pas B.", None),
        ("Il ne reste que C.", "C"),
    ],
    "es": [
        ("Respuesta correcta: D", "D"),
        ("Por lo tanto, la respuesta correcta es la opción (B).", "B"),
        ("La alternativa A es correcta.", "A"),
        ("La opción A es incorrecta; la correcta es la C.", "C"),
        ("Respuesta: hierro oral", "D"),
        ("La respuesta no es B.", None),
        ("La respuesta podría ser B.", None),
        ("Me quedo con la B.", "B"),
        ("Nos queda la opción C.", "C"),
    ],
    "pt": [
        ("A resposta correta é B.", "B"),
        ("A resposta correta é A.", "A"),
        ("Portanto, a alternativa correta é a letra C.", "C"),
        ("Gabarito: D", "D"),
        ("A opção B está correta.", "B"),
        ("A alternativa A está incorreta. A resposta certa é D.", "D"),
        ("A resposta não é B.", None),
        ("Fico com a letra B.", "B"),
        ("A paciente tem choque.", None),
    ],
    "it": [
        ("La risposta corretta è C.", "C"),
        ("Risposta: A", "A"),
        ("Quindi la risposta è la lettera B.", "B"),
        ("L'opzione A è errata. La risposta giusta è B.", "B"),
        ("La risposta non è B.", None),
        ("Rimane quindi la C.", "C"),
    ],
    "ja": [
        ("正解は B です", "B"),
        ("正解はBです。", "B"),
        ("したがって、正解は「C」です。", "C"),
        ("答え：（D）", "D"),
        ("Aではなく、Bが正解です。", "B"),
        ("選択肢Aは誤りです。正しい答えはDです。", "D"),
        ("答えは肺塞栓症です。", "C"),
        ("正解はBではありません。", None),
        ("消去法により、Cが残る。", "C"),
    ],
    "zh": [
        ("正确答案是 C", "C"),
        ("答案：Ｂ", "B"),
        ("综上所述，答案为（D）。", "D"),
        ("故选A。", "A"),
        ("A选项错误，B选项正确。", "B"),
        ("最可能的诊断是胆囊炎。", "B"),
        ("正確答案是 D", "D"),
        ("答案不是B。", None),
        ("答案可能是B。", None),
        ("排除法可知，答案为C。", "C"),
    ],
    "nl": [
        ("Het juiste antwoord is B.", "B"),
        ("Dus het antwoord is optie C.", "C"),
        ("Antwoord: D", "D"),
        ("A is onjuist, B is juist.", "B"),
        ("Ik kies C.", "C"),
        ("Het antwoord is niet B.", None),
        ("Het antwoord kan A zijn.", None),
        ("Daarom is B het juiste antwoord.", "B"),
        ("Ik zou voor B kiezen.", "B"),
    ],
    "sv": [
        ("Rätt svar är B.", "B"),
        ("Rätt svar: C", "C"),
        ("Svar: D", "D"),
        ("Alternativ A är fel. Det korrekta svaret är C.", "C"),
        ("Svaret är inte B.", None),
        ("Därför är svaret B.", "B"),
        ("Då återstår D.", "D"),
        ("Svaret är inte A utan C.", "C"),
    ],
    "pl": [
        ("Prawidłowa odpowiedź to B.", "B"),
        ("Odpowiedź: D", "D"),
        ("Zatem poprawną odpowiedzią jest C.", "C"),
        ("Odpowiedź A jest błędna. Prawidłowa odpowiedź to B.", "B"),
        ("Odpowiedź to nie B.", None),
        ("Pozostaje więc C.", "C"),
    ],
    "tr": [
        ("Doğru cevap: C", "C"),
        ("Cevap: D", "D"),
        ("Dolayısıyla doğru cevap B seçeneğidir.", "B"),
        ("A seçeneği yanlıştır. Doğru cevap: C", "C"),
        ("Cevap B değildir.", None),
        ("Doğru cevap C'dir.", "C"),
        ("Cevap A değil, D'dir.", "D"),
        ("Geriye C kalır.", "C"),
        ("A şıkkı yanlıştır, B şıkkı doğrudur.", "B"),
    ],
    "ar": [
        ("الإجابة الصحيحة هي B.", "B"),
        ("الجواب: D", "D"),
        ("لذلك، الإجابة هي الخيار C.", "C"),
        ("الإجابة ليست B.", None),
        ("يبقى الخيار C.", "C"),
        ("الإجابة ليست A بل D.", "D"),
    ],
    "ko": [
        ("정답은 B입니다.", "B"),
        ("정답: D", "D"),
        ("따라서 정답은 C입니다.", "C"),
        ("A는 오답입니다. 정답은 D입니다.", "D"),
        ("정답은 B가 아닙니다.", None),
    ],
    "ru": [
        ("Правильный ответ — B.", "B"),
        ("Таким образом, правильный ответ — вариант D.", "D"),
        ("Вариант A неверен. Ответ: C.", "C"),
        ("Верный ответ не A, а B.", "B"),
        ("Ответ не B.", None),
    ],
    "uk": [
        ("Отже, правильна відповідь — C.", "C"),
        ("Відповідь не A, а D.", "D"),
        ("Залишається C.", "C"),
    ],
    "da": [
        ("Derfor er det korrekte svar D.", "D"),
        ("Jeg vælger B.", "B"),
        ("Svaret er ikke A, men C.", "C"),
        ("Svaret er ikke B.", None),
    ],
    "nb": [
        ("Riktig svar er C.", "C"),
        ("Derfor velger jeg B.", "B"),
        ("Svar: B. Fordi A er feil.", "B"),
    ],
    "cs": [
        ("Proto je správná odpověď D.", "D"),
        ("Správná odpověď není A, ale C.", "C"),
        ("Správne je B.", "B"),
    ],
    "el": [
        ("Επομένως, η σωστή απάντηση είναι το C.", "C"),
        ("Η απάντηση δεν είναι A αλλά D.", "D"),
    ],
    "hu": [
        ("A helyes válasz a B lehetőség.", "B"),
        ("A helyes válasz nem A, hanem C.", "C"),
        ("A. A beteg sokkban van.", "A"),
        ("A beteg sokkban van.", None),
    ],
    "fi": [
        ("Siksi oikea vastaus on vaihtoehto D.", "D"),
        ("Vastaus ei ole A vaan C.", "C"),
        ("Vaihtoehto A on väärin. Oikea vastaus on D.", "D"),
    ],
    "ro": [
        ("Prin urmare, răspunsul corect este varianta D.", "D"),
        ("Răspunsul nu este A, ci C.", "C"),
        ("Aleg varianta B.", "B"),
    ],
    "id": [
        ("Jadi, jawabannya adalah B.", "B"),
        ("Jawabannya bukan A, melainkan C.", "C"),
    ],
    "vi": [
        ("Vì vậy, câu trả lời đúng là D.", "D"),
        ("Đáp án không phải là A mà là D.", "D"),
        ("Tôi chọn B.", "B"),
        ("Đáp án không phải B.", None),
    ],
    "hi": [
        ("इसलिए सही विकल्प D है।", "D"),
        ("उत्तर A नहीं, बल्कि C है।", "C"),
        ("अतः विकल्प B सही है।", "B"),
        ("उत्तर B नहीं है।", None),
    ],
    "fa": [
        ("پاسخ صحیح گزینه C است.", "C"),
        ("گزینه B صحیح است.", "B"),
    ],
    "he": [
        ("התשובה הנכונה היא C.", "C"),
        ("אפשרות B היא הנכונה.", "B"),
    ],
    "th": [
        ("คำตอบที่ถูกต้องคือ C", "C"),
        ("ข้อ B ถูกต้อง", "B"),
    ],
}

WORDS: dict[str, list[tuple[str, str | None]]] = {
    "de": [
        ("Ja", "yes"),
        ("Die Antwort lautet: Nein.", "no"),
        ("Vielleicht.", "maybe"),
        ("Nein, es gab keinen Unterschied.", "no"),
        ("Die Antwort ist C) vielleicht.", "maybe"),
        ("Die Studie war ja klein.", None),
    ],
    "fr": [
        ("Oui.", "yes"),
        ("La réponse est non.", "no"),
        ("Conclusion : peut-être", "maybe"),
        ("Elle n'a pas répondu; peut-être un autre essai.", None),
    ],
    "es": [
        ("Sí", "yes"),
        ("La respuesta es no.", "no"),
        ("Respuesta final: quizás", "maybe"),
        ("Si el paciente mejora, se suspende.", None),
        ("El paciente no mejoró.", None),
    ],
    "pt": [("Sim", "yes"), ("Resposta: não", "no"), ("Talvez.", "maybe")],
    "it": [
        ("Sì.", "yes"),
        ("La risposta è no.", "no"),
        ("Forse", "maybe"),
        ("Il paziente forse migliora.", None),
        ("Non è chiaro se funzioni.", None),
    ],
    "ja": [
        ("はい", "yes"),
        ("答えはいいえです。", "no"),
        ("いいえ、差はありませんでした。", "no"),
        ("結論：たぶん", "maybe"),
    ],
    "zh": [
        ("是", "yes"),
        ("答案是否。", "no"),
        ("最终答案：可能", "maybe"),
        ("是否有效尚不清楚", None),
        ("该药可能有效。", None),
    ],
    "nl": [("Ja.", "yes"), ("Het antwoord is nee.", "no"), ("Misschien.", "maybe")],
    "sv": [("Ja.", "yes"), ("Svaret är nej.", "no"), ("Kanske.", "maybe")],
    "pl": [("Tak.", "yes"), ("Odpowiedź: nie", "no"), ("Być może.", "maybe")],
    "tr": [("Evet.", "yes"), ("Cevap: hayır", "no"), ("Belki.", "maybe")],
    "ar": [("نعم", "yes"), ("الإجابة هي لا.", "no"), ("ربما", "maybe")],
    "ko": [("예", "yes"), ("정답은 아니요입니다.", "no"), ("결론: 아마도", "maybe")],
    "ru": [("Да.", "yes"), ("Ответ: нет", "no"), ("Возможно.", "maybe")],
    "uk": [("Так.", "yes"), ("Ні.", "no"), ("Відповідь: можливо", "maybe")],
    "da": [("Ja.", "yes"), ("Svaret er nej.", "no"), ("Måske.", "maybe")],
    "nb": [("Ja.", "yes"), ("Svaret er nei.", "no"), ("Kanskje.", "maybe")],
    "cs": [("Ano.", "yes"), ("Odpověď: ne", "no"), ("Možná.", "maybe")],
    "el": [("Ναι.", "yes"), ("Η απάντηση είναι όχι.", "no"), ("Ίσως.", "maybe")],
    "hu": [("Igen.", "yes"), ("A válasz: nem", "no"), ("Talán.", "maybe")],
    "fi": [("Kyllä.", "yes"), ("Ei.", "no"), ("Vastaus: ehkä", "maybe")],
    "ro": [("Da.", "yes"), ("Răspunsul este nu.", "no"), ("Poate.", "maybe")],
    "id": [("Ya.", "yes"), ("Jawaban: tidak", "no"), ("Mungkin.", "maybe")],
    "vi": [("Có.", "yes"), ("Không.", "no"), ("Đáp án: có thể", "maybe")],
    "hi": [("हाँ", "yes"), ("उत्तर: नहीं", "no"), ("शायद", "maybe")],
    "fa": [("بله", "yes"), ("پاسخ: خیر", "no"), ("شاید", "maybe")],
    "he": [("כן.", "yes"), ("התשובה היא לא.", "no"), ("אולי", "maybe")],
    "th": [("ใช่", "yes"), ("คำตอบคือ ไม่ใช่", "no"), ("อาจจะ", "maybe")],
}


def _flat(cases: dict[str, list[tuple[str, str | None]]]) -> list[tuple[str, str | None]]:
    return [case for code in cases for case in cases[code]]


@pytest.mark.parametrize(("text", "label"), _flat(LETTERS))
def test_letters_and_options_are_read_in_each_language(text: str, label: str | None) -> None:
    labels = HAN if not text.isascii() and any(ord(c) > 0x3000 for c in text) else LATIN
    reading = read_answer(text, labels)
    # "Could be B" names B in passing and states nothing.
    assert (None if reading.form == "embedded" else reading.label) == label
    if reading.label is not None and reading.start is not None:
        assert read_answer(text[reading.start : reading.end], labels).label == reading.label


@pytest.mark.parametrize(("text", "label"), _flat(WORDS))
def test_yes_no_and_maybe_count_in_a_conclusion(text: str, label: str | None) -> None:
    assert read_answer(text, PUBMEDQA).label == label


def test_every_language_has_a_complete_table_and_cases() -> None:
    assert {language.code for language in OTHERS} == set(LETTERS) == set(WORDS)
    for language in (ENGLISH, *OTHERS):
        assert set(language.answers) == {"yes", "no", "maybe"}
        assert all(language.answers.values())
        assert language["nouns"] and language["links"] and language["closing"]
        words = [word for words in language.words.values() for word in words]
        assert all(word == word.lower() for word in words)


def test_words_of_one_language_are_not_read_in_another() -> None:
    # "die", "also" and "si" are words of several languages.
    assert read_answer("Patients may die. Also, si vis pacem.", PUBMEDQA).label is None
    assert read_answer("Die. The answer is B.", LATIN).label == "B"
