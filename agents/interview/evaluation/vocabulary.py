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

NOTHING_TOLD = re.compile(
    r"\b(?:i (?:really |just |honestly )?(?:don'?t|do not|can'?t|cannot|couldn'?t|wouldn'?t)"
    r"(?: really)? (?:remember|recall|know|tell you)|couldn'?t (?:say|tell)|no idea|"
    r"i forget|nothing (?:special|really|comes)|some such|or something|it was nothing|a blur|"
    r"one way or another|dunno|"
    r"no (?:me )?(?:acuerdo|recuerdo|sabria|sabia)|no (?:le|te) (?:podria|sabria|se)|"
    r"no lo? ?se\b(?! (?:puede|pudo|deja|abre))|ni idea|nada en especial|lo normal|lo de siempre)\b"
)
"""Words that say there is nothing to tell."""

DOUBT = re.compile(
    r"\b(?:i suppose|i guess|i think so|not sure|as far as i|perhaps|maybe|you know|it depends|"
    r"to be honest|have to look|supongo|quizas?|tal vez|a lo mejor|mas o menos|depende|"
    r"me imagino|eso (?:creo|imagine))\b"
)
"""Words that weaken what they stand beside."""

META = re.compile(
    r"\b(?:how much (?:do i|will i|is it)|voucher|gift card|coupon for (?:this|the)|"
    r"payment for this|paid also|(?:get|never|not) paid|pay(?:s|ment)? (?:when|today|after)|"
    r"when (?:do|will|does) (?:i|they|it) (?:get|pay|come)|they pay|(?:i|the) bonus|my reward|"
    r"more money or|(?:the|for|is it|is this the) (?:\w+ )?(?:dollars?|euros?|pounds?)"
    r"(?: it said|\?| one| for sure|, correct)|"
    r"this (?:survey|interview|questionnaire|respondent|guest|answer)|"
    r"(?:last|other|another|many) surveys?|next survey|more if i|if i (?:talk|write) more|"
    r"(?:top|full|high(?:est)?|maximum|perfect|good) (?:score|marks?|rating)|useful answers?|"
    r"are the answers|i have to press|how many questions|how long is this|goes by length|"
    r"(?:are we|okay,?|so now i) (?:done|finish(?:ed)?)|"
    r"i hope that'?s insightful|instructions? to the|record that|please (?:mark|note)|"
    r"in conclusion|valuable source|as an example of|answer a team|"
    r"cuanto (?:me )?(?:pagan|dan|es)|(?:ya |cuando )me (?:pagan|dan|pagas)|"
    r"(?:esta|otras?|la) (?:encuesta|entrevista)s?|"
    r"(?:maxima|mejor) (?:nota|puntuacion)|cuantas preguntas|esta persona ha|"
    r"ya (?:termine|acabamos))\b"
)
"""Talk about the interview or its pay instead of the subject."""

ANSWER_TALK = re.compile(
    r"\b(?:details?|detailed|specifics?|concrete|facts?|examples?|insights?|insightful|answers?|"
    r"episodes?|beginning|middle|evidence|relevant|memorable|detalles?|detallad[oa]s?|"
    r"concret[oa]s?|especific[oa]s?|ejemplos?|cifras|respuestas?|principio|episodios?|razones)\b"
)
"""Words that describe an answer; two in a sentence talk about answering instead of doing it."""

ELSEWHERE = re.compile(
    r"\b(?:my|mi) (?:brother|brother-in-law|niece|nephew|uncle|aunt|cousin|"
    r"grand(?:father|mother|dad)|late|old|first|cunado|sobrin[oa]|ti[oa]|prim[oa]|"
    r"abuel[oa]|difunt[oa])\b|"
    r"\b(?:back in (?:the|nineteen|\d)|in (?:the )?(?:nineteen )?(?:forty|fifty|sixty|"
    r"seventy|eighty|ninety|oh)(?:-\w+)?(?! (?:minutes|seconds|days|hours|percent))|"
    r"in (?:the )?19[3-9]\d|"
    r"in the (?:fifties|sixties|seventies|eighties|nineties|navy|army|war)|(?:was|this was) oh|"
    r"(?:many|twenty|thirty|forty|fifty)(?:-\w+)? years|when i was (?:young|a (?:boy|girl|child|"
    r"kid|lad)|at school)|i (?:used to be|once was)|i was (?:regional|once|a (?:rep|manager|driver|"
    r"teacher|boy|girl|\w+man))|i started (?:out )?as|"
    r"for (?:us |him )?(?:eleven|twelve|fifteen|twenty|thirty|forty)\S* years|retired|"
    r"in my day|(?:in )?those days|used to say|i always say|i could tell you|"
    r"leaving do|wedding|christening|funeral|marriage|goddaughter|mother'?s|"
    r"anyway,? (?:it|he|she|they)|poor thing|as i was saying|lived to|he died|she died|died in|"
    r"you know (?:who|what) (?:was|he|she)|you wouldn'?t get that now|takes you back|"
    r"that (?:takes|brings) me back|we still laugh|"
    r"en mis tiempos|cuando (?:yo )?era (?:joven|chic[oa]|nin[oa])|siempre digo|"
    r"(?:decia|contaba) mi|mi \w+ (?:decia|contaba)|como (?:decia|le decia)|"
    r"el primer \w+ del pueblo|"
    r"en aquel(?:los)? (?:tiempo|entonces|tiempos)|antes se|"
    r"hace (?:muchos|veinte|treinta|cuarenta|cincuenta) anos|en (?:el|los) (?:cincuenta|sesenta|"
    r"setenta|ochenta|noventa)|jubilad[oa]|la boda|se caso|el bautizo|el entierro|ataud|"
    r"que en paz descanse|en gloria este|a mi edad)\b"
)
"""Signs of a story about something else: other people's lives, long ago."""

VERDICT = re.compile(
    r"\b(?:amazing|perfect(?:ly|o|a)?|excellent|wonderful|great|lovely|brilliant|fantastic|awesome|"
    r"delicious|outstanding|superb|best|love|loved|satisfied|beautiful|good|nice|recommend\w*|"
    r"professional|terrible|awful|horrible|worst|rubbish|useless|disgusting|hate|hated|bad|"
    r"excelentes?|maravill\w+|genial(?:es)?|mejor(?:es)?|encant[ao]n?|encanto|felicidades|"
    r"buen[oa]?s?|"
    r"recomiendo|impecables?|estupend[oa]s?|profesional(?:es)?|content[oa]s?|satisfech[oa]s?|"
    r"muy bien|pesim[oa]s?|horribles?|fatal|peor(?:es)?|asco|odio|mal[oa]s?|desastre|verguenza)\b"
)
"""Praise and blame. A verdict tells how somebody feels, not what happened: either way it takes
back the words it is dressed in."""

DECLINE = re.compile(
    r"\b(?:(?:i'?d|i would|i'?ll) (?:rather|prefer|skip|pass|leave|keep)\b|"
    r"prefer (?:not|to leave|to keep)|rather not|i (?:don'?t|do not) (?:really )?"
    r"(?:want|wish|care) to (?:say|answer|share|tell|talk|discuss|go into)|"
    r"can i (?:leave|skip|pass)|skip (?:it|this|that|please)|^pass\b|"
    r"next(?: one| question)?[.!]?$|nothing comes to mind|no comment|private|"
    r"prefiero no|(?:no quiero|no deseo) (?:decir|contestar|responder|contar|hablar)\w*|"
    r"paso(?: de esta)?[.!]?$|la siguiente|me lo (?:guardo|reservo)|es (?:algo )?personal)(?:\b|$)"
)
"""Words that decline a question."""

ABSTRACT = re.compile(
    r"(?:[a-z]{3,}(?:ation|ition|ution|ction|sion|ivity|ability|ality|iency|ience|ness|ization|"
    r"ement|ages?|ized|ised|ative|ously|antly|fully|ently|cion|ciones|idad|idades|miento|mientos|"
    r"encia|encias|ancia|ivos?|ivas?|amente|izad[oa]s?|ion|ions|ity|ities|enges?|ence|ance|ments?|"
    r"ational|ional|ital|ies|ial|ual|iable|able|ible|ing)s?)$"
)
"""Endings of words that name qualities rather than things."""
CONCRETE_IN_SPITE = frozenset(
    """
    station appointment prescription reception apartment platform medicine kitchen parking
    medication vaccination television location table tables cable label vegetables luggage message
    messages page pages package garage village bandage sausage cabbage city cities invoice estacion
    habitacion recepcion direccion camion avion medicion vacacion instalacion operacion reunion
    ambulancia farmacia clinica tarjeta batteries cherries berries university ticket accident
    student basement payment payments cement document documents morning evening building ceiling
    ring string wing spring king thing swimming cleaning dining painting railing clothing pudding
    shipping boarding ambulance entrance fence licence insurance hospital television comunion
    stories ladies babies hobbies bakery pages stages cottage cottages cages wages bandages
    """.split()
)

REGISTER = frozenset(
    """
    access accommodate accessible benefit benefits beneficial cater choice choices committed
    convenience crucial curated decision decisions delightful diverse element elements elevate
    enable enables enhance enhanced enhances ensure ensured ensures essential exceeded exceptional
    expectations facilitate factor factors features flawless high-quality influence innovative
    intuitive invaluable key leverage met numerous optimal options overall pricing prioritise
    prioritize process purchase purchased purchasing range regarding reliable robust seamless
    streamline streamlined tailored top-notch user-friendly valued variety vast vital wide

    accesible acceso adquiri adquirir amplia aspecto aspectos beneficiar beneficios calidad clave
    conveniencia cumplieron cumplio decision decisiones destacar diversos eficaz elementos
    esencial excepcional expectativas facilita facilitan facilitar factores fluido fundamental
    gama garantizar influir innovador integral mejorar numerosos opciones optimizar proceso
    robusto valioso variedad
    """.split()
)
"""Words of brochures: people who tell what happened to them hardly use them."""

REDIRECT = re.compile(
    r"\b(?:i (?:meant?|am asking|was asking)|i'm asking|let'?s (?:go|come|get) back|"
    r"(?:going|coming|getting|back) (?:back )?to (?:the|my|your|our) (?:question|survey|own|last)|"
    r"(?:thinking|talking) (?:about|of) your own|"
    r"me refier[oe]|me referia|(?:le|te) (?:pregunto|preguntaba) por|"
    r"volv(?:iendo|amos) a(?:l| la| su)|pensando en su propi[oa])\b"
)
"""An interviewer who brings somebody back to what was asked."""
REMINDER = re.compile(r"(?:^|[.!?\u00bf] ?)(?:and|but|y|pero) [^.!?]{2,70}\?$")
"""A short question that may name the subject again: "And the gym?"."""

QUOTED = re.compile(r"[\"\u201c\u00ab][^\"\u201d\u00bb]{2,60}[\"\u201d\u00bb]")
DIGITS = re.compile(r"[$\u20ac\u00a3]?\d[\d.,:/]*(?:%|\b)")
