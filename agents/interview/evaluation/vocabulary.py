"""Word lists of the built-in evaluator, English and Spanish, folded (lower case, no accents).

Owns words only. A word is listed for what it does in an answer, never for a topic; the fields of
topics are in ``fields``.
"""

from __future__ import annotations

import re

GENERIC = frozenset(
    """
    able actually add afford again ago agree alike all almost already alright also always
    amazing another answer answers anybody anymore anyone anything anyway appreciate around ask
    asked asking average aware awesome awful bad basically beautiful become believe best better
    big bit bless brilliant bring bye came care certain certainly change changed check choose
    clear clearly come comes coming common complete completely couple course day days dear
    decent deep definitely depend depends describe detail detailed details different difference
    difficult do does doing done dont easy effort either else end enjoy enjoyed enough
    especially etc even ever every everybody everyday everyone everything exactly example
    examples excellent exciting expect expected experience experiences explain extremely fact
    fair fantastic far feel feeling felt few fine finish finished first folks friendly full fun
    further gave general generally get gets getting give given giving glad go goes going gone
    good goodbye got great grand guess guy happen happened happens happy hard hardly hear hello
    help helped helpful here hey hi high honest honestly hope how however idea imagine important
    impressed impressive improve improved incredible indeed interest interested interesting just
    keep kept kind kinda kindly know known knows large last later least leave left less let life
    like liked likely line list little long look looked looking lot lots love loved lovely luck
    made main mainly make makes making many matter maybe mean means memorable mention mind mine
    minor moment moments more most mostly move much name near nearly necessary need needed needs
    neither never new next nice nobody none normal normally note nothing notice number obvious
    obviously odd often okay old once one ones only opinion option order other others otherwise
    outstanding overall own part particular particularly past pay people perfect perfectly
    perhaps person personally phenomenal place plain please pleasant pleased pleasure point
    polite positive possible possibly practically prefer pretty probably problem problems
    quality question questions quick quickly quite rather read ready real really reason reasons
    recall recommend record regular remember right said same satisfied satisfying save say
    saying says see seem seemed seems seen sense service seriously several should show side
    similar simple simply single small smooth smoothly some somebody somehow someone something
    sometimes somewhere soon sorry sort special specific spend stand start started state stay
    still stop story strong stuff such super superb supposed sure survey take taken takes talk
    talked talking team tell telling terrible thank thanks thats thing things think thinking
    though thought time times to today told together took top topic totally tried true try
    trying turn type typical unclear understand unfortunately use used useful user using usual
    usually valuable value various very want wanted wants way ways week weeks well went whatever
    whole wish with wonder wonderful word words work worked working works world worry worse
    worst worth would wrong yeah year years yes yet voucher solution solutions seamless
    intuitive convenient comprehensive ensure enhance provide provides provided offers offered
    offering overall aspects aspect features feature positive journey seamlessly efficient
    efficiently effective effectively professional exceptional expectations satisfaction
    customer customers platform needs product products company brand insights insight

    abajo acaso ademas ahora alguien algo alguna algunas alguno algunos amable amables anda
    antes aparte aqui asi atencion aunque ayer ayuda ayudar bastante bien bonita bonito buena
    buenas bueno buenos cada calidad cambiar cambio cambiaria casi caso claro comentar como
    comodo compra compre con conmigo contar contenta contento cosa cosas creer creo cual cuando
    cualquier cuenta cuestion da dar dato datos de deber decia decir dejar demas demasiado
    dentro depende desde despues detalle detalles dia dias dice dicen dicho dificil digo diria
    dos ejemplo empresa encanta encanto encuentro encuesta entonces entiendo era es esa ese eso
    espero esta estaba estado estar estas esto estoy estupendo etcetera exactamente excelente
    experiencia explicar facil fantastico favor feliz fin final forma fue fuera general genial
    gente gracias gran grande gusta gustaria gusto ha haber habia hablar hace hacen hacer hago
    hasta hay hecho historia hola hoy idea igual importa importante increible interesante ir
    jamas junto justo la lado le lejos lo luego lugar luz mal malo manera maravilla maravilloso
    mas mayor me mejor mejorar menos mi mia mientras misma mismo modo momento momentos mucha
    muchas mucho muchos muy nada nadie necesario necesito ni ninguna ninguno no normal
    normalmente nos novedad nuestro nunca opinion otra otras otro otros par para parece parte
    pasa pasado paso pena pensar peor perdon perfecto pero persona personal personas poco poder
    podria pone poner por porque posible pregunta preguntas primera primero problema problemas
    producto productos pronto propia propio proxima pude puede pueden puedo pues punto que
    quedar quien quiere quiero quizas rapido raro rato razon realmente recomendar recomiendo
    recordar recuerdo regular respecto resto resulta saber sabe sabes sale satisfecha satisfecho
    se sea seguir segun segura seguro sentir ser seria servicio si siempre siento sigue simple
    sino sitio sobre sola solo soy suele super supongo tal tales tambien tampoco tan tanto tarde
    te tema tener tengo tenia tenido ter tiempo tiene tienen tipo toda todas todavia todo todos
    total trabajo trata tres tu tuve ultima ultimo un una unas uno unos usar uso usted va vale
    valor vamos van varias varios veces ver verdad vez vida viene visto volver voy ya
    """.split()
)
"""Words that fit any answer: they add nothing a reader could use."""

NUMBER_WORDS = frozenset(
    """
    two three four five six seven eight nine ten eleven twelve thirteen fifteen twenty thirty
    forty fifty sixty seventy eighty ninety hundred thousand million dozen half quarter twice
    quid pence cuatro cinco seis siete ocho nueve diez once doce trece catorce quince veinte
    veintidos treinta cuarenta cincuenta sesenta ochenta noventa cien ciento quinientos mil
    millon docena media medio doble triple mitad
    """.split()
)

TIME_WORDS = frozenset(
    """
    monday tuesday wednesday thursday friday saturday sunday january february march april june
    july august september october november december minute minutes hour hours month months night
    midnight noon weekend weekday weekdays yesterday evening lunchtime spring autumn winter
    lunes martes miercoles jueves viernes sabado domingo enero febrero marzo abril mayo junio
    julio agosto septiembre octubre noviembre diciembre minuto minutos hora horas mes meses
    noche madrugada manana semana semanas quincena anoche anteayer
    """.split()
)

CAUSE = re.compile(
    r"\b(?:because|cause|cos|since|so (?:i|we|he|she|they|it|that|my|the|now|in)|so$|that'?s why|"
    r"which is why|which means|meant|the reason|therefore|otherwise|unless|if (?:i|you|we|they|it|"
    r"he|she|there|the|your)|in case|even though|although|whereas|instead|turned out|made me|"
    r"makes me|"
    r"lets? me|until|by the time|as soon as|had it|only after|ended up|after that|then|"
    r"nearly|almost|without|in order|wanted|wants|need(?:ed)? to|had to|have to|couldn'?t|can'?t|"
    r"won'?t|wouldn'?t|"
    r"porque|por eso|ya que|puesto que|asi que|por lo que|entonces|si no|si (?:yo|uno|no|me|te|lo)|"
    r"aunque|mientras|hasta que|para que|para (?:milanesa|no)|en vez de|en lugar de|resulta que|"
    r"pues se|tuve que|tengo que|hay que|no pude|no puedo|no se puede|no deja|me dijo que|"
    r"sin que|a pesar|con tal|de modo que|al final|terminamos?|termine)\b"
)
"""Words that tie a fact to its reason or to what followed."""

HEDGE = re.compile(
    r"\b(?:i (?:don'?t|do not|can'?t|cannot|couldn'?t|really don'?t) (?:really )?(?:remember|"
    r"recall|know|"
    r"tell you)|couldn'?t (?:say|tell)|i suppose|i guess|not sure|no idea|i'?ve no idea|"
    r"as far as i|"
    r"i forget|nothing (?:special|really|comes)|perhaps|some such|or something|you know|"
    r"i think so|depends|it was nothing|one way or another|a blur|to be honest|have to look|"
    r"no (?:me )?(?:acuerdo|recuerdo|se|sabria|sabia)|no (?:le|te) (?:podria|sabria|se)|ni idea|"
    r"supongo|quizas?|tal vez|a lo mejor|mas o menos|depende|no sabria|eso (?:creo|imagine)|"
    r"me imagino|nada en especial|lo normal|lo de siempre)\b"
)
"""Words that take back what they stand beside, or say there is nothing to tell."""

META = re.compile(
    r"\b(?:how much (?:do i|will i|is it)|voucher|gift card|coupon for (?:this|the)|"
    r"payment for this|paid also|"
    r"get paid|pay(?:s|ment)? (?:when|today)|when (?:do|will|does) (?:i|they|it) (?:get|pay|come)|"
    r"(?:five|ten|twelve|\d+) (?:dollars?|euros?|pounds?)(?: it said|\?|, correct)|more money or|"
    r"this (?:survey|interview|questionnaire|respondent|guest|answer)|(?:last|other|another|"
    r"many) surveys?|"
    r"(?:top|full|high(?:est)?|maximum|perfect) (?:score|marks?|rating|quality)|useful answers?|"
    r"are the answers|i have to press|how many questions|are we (?:done|finished)|"
    r"i hope that'?s insightful|instructions? to the|record that|please mark|goes by length|"
    r"in conclusion|valuable source|concrete episode|beginning and a middle|answer a team|"
    r"cuanto (?:me )?(?:pagan|dan|es)|cuando (?:me )?pagan|esta (?:encuesta|entrevista)|"
    r"la (?:maxima|mejor) (?:nota|puntuacion)|el (?:pago|premio|vale|cupon) de la encuesta|"
    r"otras? encuestas?|ya (?:termine|acabamos)|cuantas preguntas)\b"
)
"""Talk about the interview or its pay instead of the subject."""

ELSEWHERE = re.compile(
    r"\b(?:my|mi) (?:brother|brother-in-law|niece|nephew|uncle|cousin|father|grandfather|late|"
    r"cunado|sobrin[oa]|tio|primo|abuelo|padre|difunto)\b|"
    r"\b(?:back in (?:the|nineteen|\d)|in (?:seventy|eighty|ninety|sixty|oh)|(?:was|this was) oh|"
    r"(?:many|twenty|thirty|forty|fifty) years ago|when i was (?:young|a (?:boy|girl|child|kid|"
    r"lad))|"
    r"i used to be|i was (?:regional|once|a (?:rep|manager|driver|teacher|boy|girl))|"
    r"i started (?:out )?as|"
    r"(?:for|him for|us for) (?:eleven|twelve|fifteen|twenty|thirty|forty)\S* years|retired|"
    r"in my day|those days|nowadays|used to say|i always say|my leaving do|wedding|christening|"
    r"funeral|goddaughter|anyway,? (?:it|he|she|they)|poor thing|as i was saying|lived to|"
    r"en mis tiempos|cuando (?:yo )?era (?:joven|chic[oa]|nin[oa])|siempre digo|decia mi|"
    r"como decia|"
    r"hace (?:muchos anos|(?:veinte|treinta|cuarenta) anos)|en los (?:setenta|ochenta|noventa)|"
    r"jubilad[oa]|la boda|el bautizo|el entierro|que en paz descanse|en gloria este)\b"
)
"""Signs of a story about something else."""

QUOTED = re.compile(r"[\"\u201c\u00ab][^\"\u201d\u00bb]{2,60}[\"\u201d\u00bb]")
DIGITS = re.compile(r"[$\u20ac\u00a3]?\d[\d.,:/]*(?:%|\b)")
