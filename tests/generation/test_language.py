"""Which language a prompt is in."""

import pytest

from generation import language


@pytest.mark.parametrize(
    ("prompt", "spoken"),
    [
        ("a red fox in the snow", "English"),
        ("fox", "English"),
        ("die hard movie poster", "English"),
        ("le chat noir cafe poster with a cat on the roof", "English"),
        ("a café on the Champs-Élysées", "English"),
        ("a torii gate with the kanji 鳥居", "English"),
        ("🦊🌲", "English"),
        ("the cafe de la paix in paris at night", "English"),
        ("portrait of a woman in a garden, by Van der Berg", "English"),
        ("", "English"),
        ("random_prompt", "English"),
        ("一只红色的狐狸在雪地里", "Chinese"),
        ("雪の中の赤い狐", "Japanese"),
        ("눈 속의 붉은 여우", "Korean"),
        ("красная лиса в снегу", "Russian"),
        ("ثعلب أحمر في الثلج", "Arabic"),
        ("שועל אדום בשלג", "Hebrew"),
        ("बर्फ में लाल लोमड़ी", "Hindi"),
        ("สุนัขจิ้งจอกสีแดงในหิมะ", "Thai"),
        ("un zorro rojo en la nieve con una luna sobre los árboles", "Spanish"),
        ("un zorro rojo en la nieve bajo la luna", "Spanish"),
        ("un renard roux dans la neige sous une lune", "French"),
        ("ein roter Fuchs im Schnee unter einem Mond", "German"),
        ("una volpe rossa nella neve sotto la luna", "Italian"),
        ("uma raposa vermelha na neve com um chapéu", "Portuguese"),
        ("een rode vos op het strand met een hoed", "Dutch"),
        ("kırmızı bir tilki ve kar altında ağaçlar", "Turkish"),
    ],
)
def test_it_tells_the_language_of_a_prompt(prompt, spoken):
    assert language.of(prompt) == spoken
