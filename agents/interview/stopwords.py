"""The words that carry no subject of their own, in English and Spanish.

Owns two closed lists, folded (lower case, no accents). Knows nothing of themes or marks.
"""

from __future__ import annotations

_ENGLISH = """
a about above after again against ago all almost along already also although always am an and
another any anybody anyhow anyone anything anyway are aren't around as at away back be became
because been before being below between both but by came can can't cannot come comes could
couldn't did didn't do does doesn't doing don't done down during each either else enough er erm
etc even ever every everybody everyone everything except few for from further get gets getting
go goes going gone got gotten had hadn't has hasn't have haven't having he he'd he'll he's hello
her here here's hers herself hi hmm how how's however huh i i'd i'll i'm i've if in into is isn't
it it'd it'll it's its itself just kind know knows known let let's like likely lot lots made make
makes making many may maybe me mean means might mine more most mostly much must mustn't my myself
never no nobody none nope nor not nothing now of off oh ok okay on once one ones only onto or
other others ought our ours ourselves out over own per perhaps please pretty put quite rather
really said same saw say saying says see seem seemed seems seen shall she she'd she'll she's
should shouldn't since so some somebody somehow someone something sometimes somewhere sort stuff
such sure take taken takes taking tell than thank thanks that that'd that'll that's the their
theirs them themselves then there there'd there's these they they'd they'll they're they've thing
things think this those though through thus till to too took toward towards uh um under unless
until up upon us used usually very was wasn't way we we'd we'll we're we've well went were weren't
what what's whatever when when's whenever where where's whether which while who who's whole whom
whose why will with within without won't would wouldn't yeah yep yes yet you you'd you'll you're
you've your yours yourself yourselves actually basically honestly literally obviously probably
definitely absolutely certainly generally especially guess suppose feel feels felt bit little
gonna wanna gotta cos cause coz etcetera im ive dont doesnt didnt cant isnt wasnt wont thats
"""

_SPANISH = """
a acaso aca ademas ahi ahora al algo alguien algun alguna algunas alguno algunos alli alla ambos
ante antes apenas aquel aquella aquellas aquello aquellos aqui asi aun aunque bajo bastante bien
bueno buena cada casi claro como con conmigo consigo contigo contra cosa cosas cual cuales
cualquier cualquiera cuando cuanto cuanta cuantas cuantos cuya cuyas cuyo cuyos da dan de debe
deben debo decia decir dejar del demas demasiado demasiada dentro desde despues dice dicen dicho
digo dijo doy donde dos durante e el ella ellas ello ellos en encima enseguida entonces entre era
eramos eran eras eres es esa esas ese eso esos esta estaba estaban estabamos estado estamos estan
estar estara estas este esto estos estoy estuve estuvo etc fue fueron fui fuimos gracias gran ha
haber habia habian hace hacen hacer hacia hago han hasta hay haya he hecho hemos hice hicieron
hizo hola hubo iba iban igual incluso ir jamas junto juntos la las le les lo los luego mal mas me
mi mia mias mientras mio mios mis mismo misma mismas mismos mucha muchas mucho muchisimo muchos
muy nada nadie ni ningun ninguna ningunas ninguno ningunos no nos nosotras nosotros nuestra
nuestras nuestro nuestros nunca o os otra otras otro otros para parece parecen parecer parecia
parecio pero poca pocas poco pocos podia podian poder podria pon por porque pronto pude pudo
puede pueden puedes puedo pues que quien quienes quiere quieren quiero quiza quizas sabe saben
saber se sea sean segun ser seria si sido siempre sin sino siquiera sobre sois sola solamente
solo somos son soy su sus suya suyas suyo suyos tal tales tambien tampoco tan tanta tantas tanto
tantos te tengo tenemos tener tenia tenian ti tiene tienen tienes toda todas todavia todo todos
tras tu tus tuve tuvo un una unas uno unos usted ustedes va vamos van vaya ve veces ven ver vez
vi vio visto voy vosotras vosotros vuestra vuestro y ya yo realmente verdad verdaderamente
supongo creo pienso diria digamos osea eh em mmm ah oh vale ok okay nomas ademas entonces
pienso siento siente
"""

#: Function words and fillers, folded. A word in here never names a theme by itself.
STOP_WORDS: dict[str, frozenset[str]] = {
    "en": frozenset(_ENGLISH.split()),
    "es": frozenset(_SPANISH.split()),
}
