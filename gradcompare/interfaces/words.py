"""What people call things: the role of a function, an argument or an attribute, from its name.

Names are compared in lower case and without underscores, so that `forward_prop`, `forwardProp` and `Forward_Prop` are
one. Each role is a pattern, the first that matches counts; the misspellings are those that were met.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable

_WHOSE = (
    r"(_?(l|deep|my|the|run|do|perform|full|vectori[sz]ed|two|three|multi|one)?"
    r"_?(layers?|model|nn|net|network|mlp|rnn|lstm|gru|cnn)?)"
)

FUNCTIONS = {
    "ignored": re.compile(
        r"numeric|grad(ient)?s?num(?!ber)|numgrad|gradcheck|checkgrad|gradientcheck|finitediff|approx|plot|ac+ur+ac(y|ies)|print"
        r"|test|f1(score)?$|^(\w*(precision|recall|confusion|specificity|sensitivity)\w*|\w*auc|r2(score)?)$"
    ),
    "slope_of_cost": re.compile(
        r"^(d|deriv(ative)?(of)?|grad(ient)?(of)?|prime)_?(cost|loss|mse|bce|crossentropy|cce)"
        r"|(cost|loss|mse|bce|crossentropy|cce|error)_?(function)?_?(prime|der|deriv(ative)?|grad(ient)?|backward|delta|d)$"
    ),
    "initialise": re.compile(
        r"^(init|initiali[sz]e|inicia(r|li[sz]ar?)?)(?!(al)?(plot|data)|_?(o|el|la)?(trein|entren))|^(he|xavier|glorot|random|rand)?(init|initiali[sz]e|create|build|make|get|generate|setup|random|new|start)"
        r"(initial|random|nn|model|deep|the|he|xavier|all|my|net|network|mlp)*"
        r"(params?|param[ea]t[ea]rs?|weights?|net|network|nn|model|layers?|theta|variables|wb|mlp|$)"
    ),
    "fused": re.compile(
        r"^forward(and)?back|(cost|loss|j|error|objective)_?(and|with|n)_?(the)?(d|grad)|^(grad|gradients?)(and)(cost|loss)"
        r"|^(nn)?(costfunction|objective|propagate|computegradients?andcost|lossfun)"
    ),
    "backward": re.compile(
        rf"^{_WHOSE}(back|bprop|bp$|bptt|bwd|propagateback|(compute|calc|calculate|get|find|evaluate)(the|all)?_?"
        r"(d_?weights|grads?|gradients?|deltas?)|gradients?(?!des?cen[dt])|grads?(fn|func|function|step)?$|dloss$|deltas?$"
        r"|retro_?prop|propaga\w*(atras|tras$|arriere)|passearriere|rueckw|ruckw|geri(ye)?yay)"
    ),
    "forward": re.compile(
        rf"^{_WHOSE}(forward|for?w?ard|feed_?f[ao]?or?ward|feed|fprop|fp$|fwd|propagate(forward)?$|predictproba|hypothesis"
        r"|netinput|decision(function)?$|inference|call$|think|scores?$|computeoutput|activate$|f$"
        r"|propaga(r|cao|cion|tion)?(a|para|hacia|en)?(adelante|frente|avant|directa|direta)?$|propa?g?\w*(vers)?l?avant|passeavant|vorw(ae|a)rts"
        r"|ileri(ye)?(yay|besle))"
    ),
    "cost": re.compile(
        rf"^(?!.*(gradientdes?cen[dt]|train|fit$)){_WHOSE}(compute|calc|calculate|get|eval|find|total|mean|avg|average"
        r"|calcular?|calculer|calcola|berechne|funcion|funcao|funzione|fonction|funktion|hesapla)*(the|de|da|do|di)?"
        r"(cost|loss|crossentropy|categoricalcrossentropy|binarycrossentropy|bce|cce|mse|mean_?squared|squared|nll|error"
        r"|logloss|j$|objective|custo|coste?$|costo|cout|perte|perda|perdida|perdita|verlust|kosten|erreur|erro$|errore$"
        r"|entropia(cruzada|incrociata)|kayip|maliyet)"
    ),
    "update": re.compile(
        rf"^{_WHOSE}(train|fit|step|learn|sgd|optimi[sz]e|gradientdes?cen[dt]|update|onestep|adjust|run$|teach"
        r"|entrena|entrain|treina|addestra|apprend|apprentissage|aprend|lerne|atuali[sz]a|actuali[sz]a|egit(im)?$|guncelle)"
        r"|gradientdes?cen[dt](step)?$"
    ),
    "predict": re.compile(rf"^{_WHOSE}(predict|query|run|output|evaluate|ask|predec|predi[rz]|prever|vorhers|tahmin)"),
}
"""In the order in which they are tried."""

ARGUMENTS = {
    "epochs": re.compile(
        r"^(n|num|number|max|total)?_?(of)?(epochs?|iter(ation)?s?|steps)$|^(n|num|max)ep$|^(niter|iterations|maxiter|numiterations)$"
        r"|^(epoch|iter(ation)?)(n|nr|no|num|number|idx|index|count)$"
        r"|^(n|num|max)?(de)?(epocas|epoques|epochen|ciclos|iteraciones|iteracoes)$"
    ),
    "batch_size": re.compile(r"^(mini|size)?_?batch(size|es)?$|^minibatchsize$"),
    "quiet": re.compile(
        r"^(verbose|print(cost|loss|every|step)?|plot|show|debug|display|log(?!it|p|soft|like)|progress)\w*$"
    ),
    "training": re.compile(r"^(train(ing)?(mode)?|istrain(ing)?)$"),
    "parameters": re.compile(
        r"^(model|nn|net|my|initial|current)?_?(param(et(er|re))?s?|params?dict|thetas?|weights|w|wb|model|network|net|nn"
        r"|nnparams|variables|(valores)?(de)?(los|os)?(parametros|pesos)|poids|parametres|pesi|parametri|gewichte)$"
    ),
    "biases": re.compile(r"^(b|bias|biases|bs)$"),
    "cache": re.compile(
        r"^(forward|fwd|linear|all)?(caches?|memory|cached?values|activations|intermediates?|states?|fwdout|outputs?s"
        r"|store|tape|ctx|context|hist|memoria|memoire|speicher)$"
    ),
    "inputs": re.compile(
        r"^(x|xs|xi|xx|a0|inp|inputs?|data|features?|xtrain|trainx|xbatch|batchx|xb|xin|images?|samples?|inputs?data"
        r"|(single|one|x)?(inputs?|x)(vector|list|array|arr|matrix|mat|tensor|rows?|values?|layer|batch)?|trainingdata"
        r"|trainingset(inputs)?|inputx|xdata|batch"
        r"|imgs?|(training)?examples?|train(ing)?(inputs?|data|set)"
        r"|x(train(ing)?|batch|tr)?(scaled|norm|std|normali[sz]ed|standardi[sz]ed|flat)"
        r"|(x|inputs?|in)?s?(seqs?|sequences?)|tokens?|phrases?|sentences?|entradas?|entrees?|eingaben?|donnees|datos|dados|amostras?|muestras?"
        r"|giris(ler)?|girdi(ler)?)$"
    ),
    "targets": re.compile(
        r"^(y|ys|yi|yy|t|ts|ytrain|trainy|ybatch|yb|labels?|targets?|ytrue|truey|yactual|actual|desired|expected|ans|answers?"
        r"|onehot|onehot(y|labels?|targets?)|(y|labels?|targets?)onehot|yd|yoh|yhot|yenc|groundtruth|truth(set|s|values?|labels?)?|gt|targets?(vector|list|array|values?)|correct|classes|ydata"
        r"|(expected|desired|training|train|true|target)(outputs?|labels?|values?|targets?|y)|trainingset(outputs)|want"
        r"|y(train(ing)?|batch|tr)?(onehot|oh|enc|encoded|cat|categorical|scaled|norm|normali[sz]ed|flat)"
        r"|(y|t|targets?|labels?|ytrue|outputs?)s?(seqs?|sequences?)|etiquetas?|etiquettes?|rotulos?|alvos?|cibles?|ziele?"
        r"|(y|salidas?|saidas?|sorties?|valor(es)?)?(esperad[ao]s?|desead[ao]s?|desejad[ao]s?|attendues?)"
        r"|(y|valor(es)?)(real(es)?|reais|verdader[ao]s?|verdadeir[ao]s?|objetivo)|etiket(ler)?|hedef(ler)?)$"
    ),
    "output": re.compile(
        r"^(a(l|out|last|final)?|yhat|yhats|yh|hy|yp|ypred|predy|preds?|predicted|predictions?|probs?|probabilities|out(put)?s?"
        r"|o|h|scores|logits|hyp|hypothesis|fx|(final|network|model|actual)?outputs?(activations?)?|yout|y_?"
        r"|y?(predic(cion|ao|h[ao])(es)?|predit[ao]s?|predicoes|previs(ao|oes|t[ao]s?)|estimad[ao]s?|chapeu)|salidas?(obtenidas?|reales)?"
        r"|saidas?(obtidas?|previstas?)?|sorties?|ausgaben?|cikti(lar)?|cikis(lar)?|tahmin(ler)?)$"
    ),
    "slope": re.compile(
        r"^(slope|d_?(l|loss|e|j|c|cost|error)_?d_?(out|output|a|y|z|o|preds?|prediction|yhat|logits)|d_?(out|a|al|y|z|values?|loss|cost|error|l|j|c|e|scores|h|x)|g"
        r"|grads?|gradients?|(out|output|upstream|loss|next|incoming|chain|prev|previous|last|top|back)_?(put)?"
        r"(grads?|gradients?|error|delta)|delta|error|err|grad(out|output|y|wrtoutput|output)?|gradients?output|upstream)$"
    ),
    "samples": re.compile(r"^(m|n|nsamples|numsamples|batchsize|nexamples|numexamples|mtrain|mbatch|nrows|ndata)$"),
    "learning_rate": re.compile(
        r"^(lr|lrate|learnr|learning_?rate|learnrate|alpha|eta|stepsize|rate|epsilon|l_?r)((for)?(w|b|weights?|bias(es)?|\d+|init))?$"
        r"|^(w|b|weights?|bias(es)?)(lr|learning_?rate|alpha)$|^(w|weights?|bias(es)?)eta$"
        r"|^(taxa|tasa|taux|tasso)(de|di|d)?(aprendizado|aprendizagem|aprendizaje|apprentissage|apprendimento)?$"
        r"|^lernrate$|^wspolczynnikuczenia$|^ogrenme(orani|hizi)$|^skorostobuchenia$"
        r"|^learn(ing)?(para|param(eter)?|coeff?(icient)?|factor|speed|const(ant)?)$"
    ),
    "regularisation": re.compile(
        r"^(lambda?s?|lambda(param|value|reg)?|lambth?a|lambd|lamb|lamda|lmbda|lmbd|lam|reg|regularization|regularisation|l2|l2reg|l2lambda|reglambda|lambdareg|decay"
        r"|weightdecay|c|strength"
        r"|(reg|l2|l2reg|regulari[sz]ation|weightdecay|lambda)(param(eter)?|coeff?(icient)?|strength|rate|factor|const(ant)?))$"
    ),
    "activation": re.compile(r"(activation|nonlinearity|actfunc|actfn|^act(?!ion)|^g$)"),
    "keep": re.compile(r"^(keepp?|(p|prob|rate)keep|keep(prob(ability)?|rate|ratio))s?$"),
    "layers": re.compile(r"^(l|numlayers|nlayers|depth)$"),
    "state": re.compile(
        r"^((h|hidden|s|state|c|cell)(state)?(prev|previous|0|init|initial|last|t1)"
        r"|(prev|previous|init|initial)(h|hidden|s|state|c|cell)(state)?|(h|hidden|cell)state)$"
    ),
    "classes": re.compile(r"^(num|n|k|number)?_?(of)?(class(es)?|labels|k)$|^k$|^c$"),
}

WEIGHT = re.compile(r"^(?:w|theta|weights?|syn|synapse|synapses|w_?h|kernel|weight_?matrix)_?(\d+)$", re.IGNORECASE)
BIAS = re.compile(r"^(?:b|bias|biases)_?(\d+)$", re.IGNORECASE)
WEIGHTY = re.compile(r"(w|weights?|theta|syn(apse)?s?|b|bias(es)?)_[a-z]", re.IGNORECASE)
"""Begins the name of what belongs to a layer that has a name: weights_hidden_output."""
ONE_HOT = re.compile(r"hot|(?<=y)oh$|enc(oded)?$|cat(egorical)?$")
"""In the name of labels that have a 1 in the place of their class, without underscores."""
COUNTS = ("samples", "batch_size", "classes", "layers", "epochs")
"""Roles of whole numbers."""
NO_PARAMETER = re.compile(
    r"^(d_?[wb]|d_?[ljce](oss)?_?d_?[a-z]|grad|g_?[wb]\d|nabla|v_?[dwb]|m_?[wb]\d|s_?[dwb]|velocit|moment|cache|prev|last|old|delta|sum|rms|adam)"
    r"|grads?$|gradients?$|momentum|velocity|delta|(?<!^biais)(?<!^poids)_cached?(_|$)",
    re.IGNORECASE,
)
"""What an attribute is called that has a parameter's shape and is none."""
SETTINGS = re.compile(
    r"^(args?|arguments|opts?|options?|cfg|conf|config(uration)?|flags?|hp|hparams?|hyper\w*|settings?)$", re.IGNORECASE
)
"""What an object is called that holds numbers that somebody chose."""
MOMENTS = re.compile(r"^[mvs]t?$")
"""What an optimiser calls the dicts in which it keeps an array for each parameter."""
OPTIMISER = re.compile(
    r"^(v_?[dwb]|m_?[wb]|s_?[dwb]|velocit|moment|rms|adam|prev|last)\w*$|momentum|velocity", re.IGNORECASE
)
"""What an optimiser stores that has a parameter's shape."""
GRADIENT = re.compile(
    r"^(d_?|grads?_?|gradients?_?|nabla_?|delta_?|g_?|partial_?|dj_?d|dl_?d|dc_?d|de_?d)", re.IGNORECASE
)
"""How the name of a gradient begins."""
GRADIENT_END = re.compile(r"_?(grads?|gradients?)$", re.IGNORECASE)
"""How it ends, where it does not begin so."""


def plain(name: str) -> str:
    """The name in lower case, without underscores."""
    return name.replace("_", "").lower()


def parts(name: str) -> list[str]:
    """The words that a name is made of: mean, squared and error of meanSquaredError, or of mean_squared_error."""
    return [part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)]


def _without_accents(word: str) -> str:
    """propagacao for propagação."""
    return "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))


@functools.lru_cache(maxsize=4096)
def role_of_function(name: str) -> str | None:
    """A key of FUNCTIONS, if the name says so."""
    word = _without_accents(plain(name))
    return next((role for role, pattern in FUNCTIONS.items() if pattern.search(word)), None)


@functools.lru_cache(maxsize=4096)
def role_of_argument(name: str) -> str | None:
    """A key of ARGUMENTS, if the name says so; parameters by their own names have none."""
    word = _without_accents(plain(name)) or name
    role = next((role for role, pattern in ARGUMENTS.items() if pattern.search(word)), None)
    part = _OF_A_BATCH.sub("", word)
    if role is None and part != word:
        role = next((r for r in ("inputs", "targets") if ARGUMENTS[r].search(part)), None)
    of_output = role is None and len(word) > 3 and word[0] == "d" and ARGUMENTS["output"].search(word[1:])
    return "slope" if of_output else role  # dyhat, d_output


_OF_A_BATCH = re.compile(r"^(minibatch|mini|batch|current|curr|cur|this)(of)?(?=.)|(?<=.)(minibatch|mini|batch)$")
"""What stands before or after what samples or labels are called: batch_labels, mini_batch_x."""
_LOOKED_AT = r"(cross)?(validation|validate|valid|val|testing|test|dev|eval|cv)"
_OTHER_SAMPLES = re.compile(rf"^{_LOOKED_AT}(?=.)|(?<=.){_LOOKED_AT}$")


def role_in_validation(name: str) -> str | None:
    """What samples are that training only looks at, "inputs" or "targets": X_val, valid_y, test_labels; None for any
    other name."""
    word = _without_accents(plain(name)) or name
    rest = _OTHER_SAMPLES.sub("", word)
    role = role_of_argument(rest) if rest != word else None
    return role if role in ("inputs", "targets") else None


def other_rates(names: Iterable[str]) -> set[str]:
    """Of names that may be a learning rate's those of something else, since others say plainly that they are one:
    alpha, the slope of a leaky ReLU, beside learning_rate."""
    rates = {name for name in names if role_of_argument(name) == "learning_rate"}
    unsure = {name for name in rates if plain(name) in ("alpha", "eta", "epsilon", "rate")}
    return unsure if unsure < rates else set()


def is_of_labels(name: str) -> bool:
    """Whether an argument is called like labels of something: target_policy."""
    return any(len(part) > 2 and role_of_argument(part) == "targets" for part in parts(name))


_SETTING = re.compile(r"beta|rho|gamma|spars|param$|penalty|coeff?|strength|ratio|factor|momentum|temperature|margin")


def is_setting(name: str) -> bool:
    """Whether an argument is called like a number that somebody has chosen, whatever it does."""
    return _SETTING.search(plain(name)) is not None


def is_guard(name: str, value: object) -> bool:
    """Whether what may be a learning rate by its name, epsilon, is a small number against a division by 0."""
    return plain(name) == "epsilon" and isinstance(value, float) and abs(value) <= 1e-4


def parameter_pairs(names: list[str]) -> list[tuple[str, str]]:
    """[(weight, bias), ...] by layer, of names such as W1, b1; (weight, "") where no layer has a bias of its own.

    Layers are numbered from 1, or from 0, without gaps; the first may go without its number (W, b, W2, b2). Or they
    have names, in their order (w_h, b_h, w_o, b_o). Empty where neither is so.
    """
    names = list(dict.fromkeys(names))
    return _numbered_pairs(names) or _numbered_pairs(_first_numbered(names)) or _named_pairs(names)


def _first_numbered(names: list[str]) -> list[str]:
    """W and b beside W2 and b2 are those of the first layer."""
    others = [name for name in names if re.search(r"\d$", name)]
    first = ("w", "b", "theta", "weights", "bias")
    return [_Unnumbered(name) if name.lower() in first else name for name in names] if others else []


class _Unnumbered(str):
    """A name that is to be read as that of layer 1."""

    __slots__ = ()


_LAYER_NAME = re.compile(
    r"^(?:(?P<kind>[wW]eights?|[wW]|[bB]iases|[bB]ias|[bB])(?:_(?P<a>[a-zA-Z]\w*)"
    r"|(?P<b>in|out|hid|hidden|input|output|[a-z]{1,2}|[A-Z]\w*))"
    r"|(?P<c>[a-zA-Z]\w*?)_(?P<kind2>[wW]eights?|[wW]|[bB]iases|[bB]ias|[bB]))$"
)


def _named_pairs(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of layers that have names in place of numbers: two at least, and biases for all of them or for none."""
    weights: dict[str, str] = {}
    biases: dict[str, str] = {}
    for name in names:
        found = None if role_of_argument(name) or NO_PARAMETER.search(name) else _LAYER_NAME.match(name)
        if found:
            kind = (found["kind"] or found["kind2"]).lower()
            layer = (found["a"] or found["b"] or found["c"]).lower()
            (weights if kind.startswith("w") else biases).setdefault(layer, name)
    biases = _by_where_they_lead(weights, biases)
    if len(weights) < 2 or (biases and set(biases) != set(weights)):
        return []
    return [(name, biases.get(layer, "")) for layer, name in weights.items()]


def _by_where_they_lead(weights: dict[str, str], biases: dict[str, str]) -> dict[str, str]:
    """The biases by the layers of their weights: b_h is that of W_xh too, where no other weight leads to h."""
    ends = {layer: [weight for weight in weights if weight.endswith(layer)] for layer in biases}
    if set(biases) & set(weights) or any(len(found) != 1 for found in ends.values()):
        return {layer: name for layer, name in biases.items() if layer in weights}
    return {found[0]: biases[layer] for layer, found in ends.items()}


def _numbered_pairs(names: list[str]) -> list[tuple[str, str]]:
    numbered = [(f"{name}1" if isinstance(name, _Unnumbered) else name, str(name)) for name in reversed(names)]
    weights = {int(found[1]): name for word, name in numbered if (found := WEIGHT.match(word))}
    biases = {int(found[1]): name for word, name in numbered if (found := BIAS.match(word))}
    first = min(weights, default=1)
    complete = first in (0, 1) and set(weights) == set(range(first, first + len(weights)))
    if not weights or not complete or (biases and set(weights) != set(biases)):
        return []
    return [(weights[layer], biases.get(layer, "")) for layer in sorted(weights)]


SIZES = {
    "all": re.compile(
        r"^(n|num)?_?(network|net|nn|model)?(layers?_?(sizes?|dims?|dimensions|units|structure|nodes|list|config|neurons)"
        r"|sizes?|dims?|dimensions?|arch(itecture)?|topology|shapes?|layers|structure|units|neurons|nodes|layerd|nhs)$"
    ),
    "hidden": re.compile(
        r"^(n|nn|num|number|size|dim|d|units|nodes|neurons)?(of)?(in)?"
        r"(hid\w*|h\w?\d*|h(dim|size|unit|node|neuron|layer|width)\w*)$|^n1$"
    ),
    "out": re.compile(
        r"^(n|nn|num|size|dim|d|units|nodes)?_?(of)?_?(y|out\w*|class(es)?|k|nclass(es)?|numclasses|labels|targets|next\w*)$"
        r"|^(c|m|k|no|nl|ny|nout|fanout|dout|outdim|outfeatures|n2|neurons|nneurons|units|o(nodes|units|neurons))$"
    ),
    "in": re.compile(
        r"^(n|nn|num|size|dim|d|units|nodes)?_?(of)?_?(x|in\w*|features?|i|vis\w*|prev\w*)$"
        r"|^(d|ni|nx|nin|n0|fanin|din|infeatures|nfeatures|numfeatures|i(nodes|units|neurons))$"
    ),
}


@functools.lru_cache(maxsize=4096)
def role_of_size(name: str) -> str | None:
    """Which width of a network an argument asks for: "all" (a list), "hidden", "out" or "in"."""
    word = plain(name)
    return next((role for role, pattern in SIZES.items() if pattern.search(word)), None)


_COUNT_OF_WORDS = re.compile(r"vocab|^(n|num|number)?(of)?(chars|characters|words|tokens|symbols)$|alphabet")


def counts_words(name: str) -> bool:
    """Whether an argument asks how many different words or characters there are."""
    return _COUNT_OF_WORDS.search(plain(name)) is not None


_COUNT_OF_HIDDEN = re.compile(
    r"^(n|nb|no|num|number|count|amount)(of)?hid(den)?layers$|^hid(den)?layers?(count|num|number)$"
)


def counts_hidden_layers(name: str) -> bool:
    """Whether an argument asks how many hidden layers there are, and not how wide one is."""
    return _COUNT_OF_HIDDEN.search(plain(name)) is not None


def may_be_out(name: str) -> bool:
    """Whether an argument may ask for the number of a layer's units."""
    return SIZES["out"].search(plain(name)) is not None


def loose_pairs(arguments: list[str]) -> list[tuple[str, str]]:
    """Parameters of one layer: w, b."""
    by_word = {plain(name): name for name in arguments}
    weight = next((by_word[w] for w in ("w", "weights", "weight", "theta") if w in by_word), None)
    bias = next((by_word[b] for b in ("b", "bias") if b in by_word), None)
    return [(weight, bias or "")] if weight else []
