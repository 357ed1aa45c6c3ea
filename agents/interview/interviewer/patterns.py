"""The phrases by which a visitor steers a conversation, in English and Spanish.

Owns expressions and word lists only. All of them read folded text (lower case, no accents, straight
apostrophes). One alternative stands on a line; a backslash joins a long one. None nests a
repetition in a repetition, so that each takes time linear in the text.
"""

from __future__ import annotations

import re


def _any_of(alternatives: str) -> re.Pattern[str]:
    joined = re.sub(r"\\\n\s*", "", alternatives.strip())
    return re.compile(r"\b(?:" + "|".join(joined.splitlines()) + r")\b")


STOP = _any_of(r"""
i (?:want|would like|'d like|need|have) to (?:stop|quit|end|leave|go)(?: now| here)?
(?:please )?(?:stop|end|quit) (?:the |this )?(?:interview|survey|conversation|chat|call)
let'?s stop(?: here)?
can we stop
i'?m done
i am done
i(?:'ve| have) had enough
i(?:'ve| have)? got to (?:go|run|leave)
i gotta go
i(?:'m| am) leaving
good ?bye
quiero (?:parar|terminar|dejarlo|acabar|salir)
(?:tengo|me tengo) que ir(?:me)?
me voy
(?:podemos|prefiero) (?:parar|terminar|dejarlo)
dejemoslo(?: aqui)?
ya termine
(?:termina|terminar|para|acaba) la (?:entrevista|encuesta)
no quiero (?:seguir|continuar)
i don'?t want to (?:continue|go on|carry on)
adios
hasta luego
""")

SKIP = _any_of(r"""
(?:let'?s |please |can we |could we |can i |i'?d like to |i want to )?skip(?: it| this| that| the)?\
    (?: one| question)?(?: too)?(?: please)?
^pass(?= ?[.!]*$)
i'?ll pass(?: on)?(?: this| that| it)?(?: one)?
(?:the )?next(?: one| question)(?: please)?
^next(?= ?[.!]*$)
(?:can i |can we |let'?s )?leave (?:this|that|it)(?: one)?(?: out)?(?: too)?
(?:can we |could we |let'?s |please )?move on(?: to the next)?(?: one| question)?
can i pass(?: on)?(?: this| that)?(?: one)?(?: too)?
(?:quiero |prefiero |mejor )?salta(?:r(?:la|me|nos)?|mos(?:la)?|la|tela)?\
    (?: la| esta| esa)?(?: pregunta)?
la salto
^paso(?= ?[.!]*$)
paso (?:palabra|de esta|de esa)(?: pregunta)?
(?:la )?siguiente(?: pregunta)?(?: por favor)?
otra pregunta(?: por favor)?
(?:puedo|podemos) (?:saltar(?:la|nos|me)?|dejar(?:la)?|pasar)\
    (?: esta| esa| la| a la)?(?: siguiente| pregunta)?
""")

REFUSAL = _any_of(r"""
(?:i'?d|i would) (?:rather|prefer) not(?: to)?
(?:i'?d|i would) prefer to keep
prefer not to (?:say|answer|share|tell)
none of your (?:business|concern)
is my (?:own )?business
i (?:don'?t|do not) (?:want|wish|care) to (?:say|answer|share|tell|talk|discuss)
i (?:won'?t|will not|refuse to|'m not going to|am not going to) (?:say|answer|share|\
    tell|discuss)
no comment
that'?s (?:private|personal|confidential)
too personal
not comfortable (?:saying|answering|sharing|with)
prefiero no (?:decir|contestar|responder|contar|hablar)\w*
no quiero (?:decir|contestar|responder|contar|hablar)\w*
no (?:le|te|os|les) importa
es (?:privado|personal|confidencial|asunto mio)
es cosa mia
me lo (?:guardo|reservo)
sin comentarios
no pienso (?:decir|contestar|responder)\w*
""")

CORRECTION = _any_of(r"""
(?:that'?s|that is|it'?s) not what i (?:said|meant)
i (?:didn'?t|never|did not) (?:say|said) that
not what i (?:said|meant)
you (?:misunderstood|got (?:it|that|me) wrong|misheard)
that'?s (?:wrong|incorrect|not right|not correct)
let me correct
i meant
correction
(?:sorry|no|wait|actually) i (?:meant|mean)
i misspoke
(?:eso )?no es (?:eso )?lo que (?:he dicho|dije|queria decir)
yo no (?:dije|he dicho) eso
no (?:dije|he dicho) eso
(?:me )?(?:has|ha) entendido mal
me (?:entendio|entendiste) mal
queria decir
quise decir
me (?:equivoque|he equivocado)
corrijo
correccion
(?:eso|asi) no es (?:asi|correcto)
esta mal
""")

ASIDE_PAY = _any_of(r"""
how much (?:do|will|would|can|am) i (?:get|be|earn|make|paid|receive|getting|being)
(?:do|will|am) i (?:get|getting|be|being)? ?paid
when (?:do|will) i (?:get|be) paid
how much (?:is|does) (?:it|this) pay
what(?:'s| is) the (?:pay|payment|reward)
where(?:'s| is) my money
cuanto (?:me )?(?:pagan|paga|pagas|cobro|gano|voy a cobrar|recibo)
cuando (?:me )?(?:pagan|cobro|pagas)
me (?:van|vais|vas) a pagar
cual es (?:el pago|la recompensa)
""")

ASIDE_WHO = _any_of(r"""
are you (?:a |an )?(?:real |actual )?(?:person|human|bot|robot|ai|machine|computer|chatbot)
am i (?:talking|speaking|chatting) (?:to|with) (?:a |an )?(?:real )?(?:person|human|bot|\
    robot|machine|ai)
who are you
what are you
is this (?:a |an )?(?:bot|robot|ai|person|human)
(?:eres|es usted|sos) (?:un |una )?(?:robot|bot|persona|humano|humana|maquina|ia)
quien (?:eres|es usted)
hablo con (?:un |una )?(?:persona|maquina|robot|humano)
""")

ASIDE_PRIVACY = _any_of(r"""
(?:is|are) (?:this|it|you) (?:being )?record(?:ed|ing)(?: this)?
who (?:will )?(?:sees?|reads?|gets?|hears?) (?:this|my|it|these)
is (?:this|it) (?:anonymous|private|confidential|safe)
what (?:do|will) you do with (?:this|my|it|the)
do you (?:store|keep|save|sell) (?:this|my|it)
(?:se )?(?:esta|estan) grabando
quien (?:ve|lee|vera|leera|escucha) (?:esto|mis)
es (?:esto )?anonim[oa]
que (?:hacen|haceis|haces) con (?:mis|esto|los)
""")

ASIDE_WHY_ASK = _any_of(r"""
why (?:do|are|would|did) you (?:ask|asking|want|need)(?: that| this| to know| me)?
why is that (?:important|relevant)
what(?:'s| is) (?:this|it|that) for
(?:por que|para que) (?:me )?(?:lo )?(?:pregunta|preguntas|preguntan|quiere|quieres|quieren)
para que es esto
para que sirve (?:esto|eso)
""")

ASIDE_LEFT = _any_of(r"""
how (?:many|much) (?:more )?(?:questions?|longer|time)(?: are| is)?(?: there)?(?: left|\
     more| to go)?
how long (?:is|will|does) (?:this|it)(?: going to)?(?: take| be)?
are we (?:nearly |almost )?(?:done|finished)
cuant[oa]s (?:preguntas )?(?:quedan|faltan|mas)(?: preguntas)?
cuanto (?:falta|queda|dura|tarda)
(?:queda|falta) mucho
""")

ASIDE_REPEAT = _any_of(r"""
^(?:sorry|pardon|what|como|que|perdon)(?= ?[?]+$)
(?:\w+ )?what,? sorry
(?:can|could|would) you (?:please )?(?:repeat|say|ask)(?: that| it| this| the question)?\
    (?: again)?(?: please)?
repeat(?: that| it| the question)?(?: please)?
say (?:that|it) again
what was the question
come again
what did you (?:say|ask)
(?:i )?(?:didn'?t|did not) (?:hear|catch)(?: that| you| it)?
pardon
(?:puede|puedes|podria|podrias) repetir\w*
repit[ea](?:lo|la|melo)?
(?:me lo|me la|lo) repite[s]?
otra vez por favor
como dice[s]?
cual era la pregunta
no (?:te|le|lo) (?:oi|he oido|escuche)
""")

ASIDE_MEANING = _any_of(r"""
what do you mean(?: by \w+(?: \w+)?)?
(?:i )?(?:don'?t|do not) understand(?: the question| that| you)?
what does (?:that|this|it) mean
(?:can|could) you (?:please )?(?:explain|clarify|rephrase)(?: that| it| the question)?
(?:i'm )?not sure what you(?:'re| are) asking
in what (?:way|sense)
que (?:quiere|quieres) decir
no (?:le |te |lo |la )?entiendo(?: la pregunta| bien)?
a que (?:se refiere|te refieres)
(?:puede|puedes|podria|podrias) (?:explicar|aclarar)\w*
en que sentido
no entendi\w*(?: la pregunta)?
""")

ASIDE_WAIT = _any_of(r"""
(?:wait|hold on|hang on|one (?:moment|second|minute|sec)|just a (?:moment|second|minute|\
    sec)|give me a (?:moment|second|minute|sec))
let me think
(?:un|deme un|dame un|espere un|espera un) (?:momento|segundo|minuto)
espere
espera
(?:deja|deje|dejame|dejeme) (?:que )?pens(?:ar|arlo|e)
""")

UNKNOWN = _any_of(r"""
(?:i )?(?:really |just |honestly )?(?:don'?t|do not|dunno|couldn'?t|can'?t|\
    cannot)(?: really| quite)? (?:know|remember|recall|say|think of (?:any|one|anything)\w*)
i'?m not (?:really )?sure
not sure
no idea
no clue
dunno
idk
hard to say
(?:i )?can'?t think of (?:any|one|anything)\w*
nothing comes to mind
no (?:lo )?(?:se|recuerdo|me acuerdo|sabria)(?: decirle| decirte| decir)?
ni idea
no tengo (?:ni )?idea
no estoy segur[oa]
no se me ocurre(?: nada)?
quien sabe
""")

NOTHING_MORE = _any_of(r"""
(?:no )?(?:that'?s|that is|thats) (?:it|all|everything|about it)
nothing (?:else|more|to add)
i(?:'ve| have)? (?:already )?(?:said|told) (?:you )?(?:it )?(?:all|everything|already)
as i (?:already )?said
i (?:already|just) (?:said|told|answered|explained)(?: that| it| you)?
no more
not really
nope
(?:eso|y eso|esto) es todo
nada mas
(?:ya )?(?:lo|te lo|se lo) (?:he dicho|dije)(?: ya)?
ya esta
no (?:hay )?nada que (?:anadir|agregar)
no la verdad
la verdad (?:es )?que no
""")

TASK_FOR_AGENT = _any_of(r"""
(?:please )?(?:tell|give|write|show|sing|make|send|find|translate|recommend|generate|\
    calculate)(?: me| us)? (?:a|an|the|some|your) (?:joke|poem|story|song|recipe|code|list|\
    essay|script|program|image|picture|weather|news|prompt|instructions)
what(?:'s| is) the (?:weather|capital|time|date|score)
who (?:won|is the president)
(?:cuentame|cuenteme|dime|digame|escribe|escriba|hazme|haz) (?:un|una|el|la) (?:chiste|\
    poema|cuento|historia|cancion|receta|codigo|lista|hora|tiempo)
(?:que|cual es el) (?:tiempo hace|hora es)
cual es la capital
""")

INSTRUCTION = _any_of(r"""
(?:ignore|disregard|forget|override) (?:(?:all|any|the|of|your|my|these) ){0,4}\
    (?:previous|prior|above|earlier|preceding|system) \
    (?:instructions?|prompts?|rules?|directions?|guidelines?|messages?)
(?:ignore|disregard|override) (?:all |any )?(?:of )?(?:your|all|any) (?:the )?\
    (?:instructions?|prompts?|rules?|guidelines?)
(?:ignora|ignore|olvida|olvide|descarta|omite) (?:(?:todas|las|tus|sus|mis) ){0,3}\
    (?:instrucciones|reglas|indicaciones) (?:anteriores|previas|del sistema)
(?:ignora|ignore|olvida|olvide) (?:todas )?(?:tus|sus) (?:instrucciones|reglas|indicaciones)
system override
(?:your|reveal the|print the|show me the|repeat the) system prompt
you are now (?:a|an|in|the)
(?:ahora )?(?:eres|actua como) (?:un|una) (?:asistente|evaluador|modelo)
(?:give|award|assign|mark|rate|score) (?:me|this|my answers?|the answers?|\
    everything)(?: with| as)?(?: a| the)? (?:full|maximum|max|highest|perfect|top|100|\
    hundred|score|4)
(?:dame|deme|pon|ponga|asigna)(?:me|le)? (?:la |el |una |un )?(?:maxima|maximo|\
    puntuacion|nota|100|perfecta)
(?:end|close|finish) (?:the )?(?:interview|survey) (?:and|with) (?:pay|score|full|maximum|a)
as an? (?:ai )?(?:evaluator|grader|judge)
reveal (?:your|the) (?:prompt|instructions|briefing|hints)
""")

#: How people take their leave; after the summary it means that nothing is to be changed.
FAREWELL = re.compile(
    r"^(?:(?:ok|okay|well|right|bueno|vale|muchas|many)[ ,.]+)*"
    r"(?:good ?bye|bye|thank|thanks|cheers|see you|adios|gracias|hasta)\b"
)
#: Words of a greeting or an "ok" that answer nothing.
_READY_WORDS = """
hi hello hey ok okay k sure ready yes yeah yep alright right fine go ahead start begin lets let's
good morning afternoon evening please thanks thank you cool great hola buenas buenos dias tardes
noches vale si listo lista claro adelante empecemos empezar bueno gracias de acuerdo perfecto i'm
im am i estoy dale mhm mm hm hmm uh um er test testing prueba
"""
READY = frozenset(_READY_WORDS.split())
#: Those of them that, alone, are a judgement: "fine" answers "How was it?".
JUDGING = frozenset(["fine", "good", "great", "cool", "bueno", "perfecto"])
#: "no, it was Sunday, not Saturday"
CONTRAST = re.compile(
    r"^(?:no|sorry|actually|wait|perdon|en realidad|bueno no)\b[^.!?]{0,200}"
    r"(?:\bnot \w|, no (?:el|la|los|las|un|una|en|de|a|por|es|fue|\d)?)"
)
#: A line that pretends to be spoken by the machine itself.
MARKUP_ROLE = re.compile(
    r"^[ \t]{0,24}(?:system|assistant|agent|evaluator|developer)\s?:|"
    r"<\|?/?(?:system|im_start|im_end|inst)",
    re.IGNORECASE | re.MULTILINE,
)
#: How a question begins that can be answered with yes or no.
POLAR = re.compile(
    r"^[\u00bf\s]*(?:is|are|was|were|do|does|did|have|has|had|can|could|would|will|any|hay|ha|"
    r"has|tiene|tienes|es|fue|existe|le|te|suele|sueles|alguna vez|puede|puedes)\b"
)
LEADING_FILLER = re.compile(
    r"^[\s,.;:!\u00a1-]*(?:(?:no|sorry|perdon|actually|en realidad|sino|but|pero)\b[\s,.;:-]*)*",
    re.IGNORECASE,
)
#: How a question to the interviewer begins.
QUESTION_STARTS = (
    "what", "why", "who", "when", "where", "how", "can you", "could you", "do you", "are you",
    "will you", "is this", "is there", "que ", "por que", "quien", "cuando", "donde", "como ",
    "puede", "podria", "esto es", "hay ",
)  # fmt: skip
