"""Text into trees: the grammar of the expression language.

Here stand statements, operands, calls and the rules for line breaks; precedence.py says how tightly
signs bind, tokens.py what a token is. Whether a name is known, and how many arguments an operator
takes, is not decided here.

- A program is any number of assignments `name = expression` and one expression, its value, at the
  end. A program that ends with an assignment has no value and is refused.
- Statements end with `;` or with the line. A line goes on in the next one inside parentheses, after
  a sign, and if the next line begins with a sign that can stand between two operands (BRAIN, which
  asks for `;`, reads every line break so).
- A line that begins with - or + is therefore a part of the one before it. Only where that would
  leave an assignment without a value after it is the line the value, provided that it is the only
  such line and uses the assigned name: `x = delta(close, 5)`, and on the next line `-x`.
- A name may be assigned again: what follows means the later value.
- The words and, or, not are signs, in any case, unless a call is meant: and(a, b), or(a, b),
  not(a). `not a < b` is refused, because languages disagree on it.
- true and false are names like others; what they mean is up to the operator.
"""

from quant_assets.factors.expressions.errors import ExpressionError, error_at
from quant_assets.factors.expressions.precedence import (
    BINARY_SPELLINGS,
    CONDITIONAL,
    LEVELS,
    UNARY,
    UNARY_SPELLINGS,
    UNCHAINED,
    operand_levels,
)
from quant_assets.factors.expressions.tokens import Token, tokenize
from quant_assets.factors.expressions.tree import (
    MAX_LEVELS,
    WORDS,
    Assignment,
    Binary,
    BinarySign,
    Call,
    Conditional,
    Keyword,
    Name,
    Node,
    Number,
    Program,
    Text,
    Unary,
    height_over,
    walk,
)

_FOREIGN_SIGNS = {"**": "^", "<>": "!=", "=<": "<=", "=>": ">=", "===": "=="}


def parse(text: str) -> Program:
    """Read an expression, or several statements with assignments.

    Raises:
        ExpressionError: the text is no expression; the error shows where and what was expected.
    """
    return _Parser(text, tokenize(text)).program()


class _Parser:
    """One reading of one text, from the first token to the last.

    `value` is the - or + that begins the value on a line of its own, where it would else be read as
    a sign between two operands.
    """

    def __init__(self, text: str, tokens: list[Token], value: Token | None = None) -> None:
        self._text = text
        self._tokens = tokens
        self._value = value
        self._continued: list[Token] = []  # the - and + that begin lines of the last statement
        self._at = 0
        self._open: list[Token] = []  # parentheses not closed so far
        self._nested = 0  # calls of _expression inside one another

    def program(self) -> Program:
        """Statements up to the end of the text."""
        statements: list[Assignment] = []
        value: Node | None = None
        while self._skip_separators():
            if value is not None:
                raise error_at(
                    self._text,
                    value,
                    "every statement but the last must assign: name = expression",
                    "the value of the whole is the last statement; is a sign missing between them?",
                )
            self._continued.clear()
            if self._begins_assignment():
                statements.append(self._assignment())
            else:
                value = self._expression(CONDITIONAL)
            self._end_of_statement()
        if value is None and not statements:
            raise ExpressionError(self._text, 0, 0, "expected an expression, got an empty text")
        if value is None:
            return self._value_on_signed_line(statements)
        return Program(tuple(statements), value, start=0, stop=len(self._text))

    # statements

    def _skip_separators(self) -> bool:
        """Step over `;`; False at the end of the text."""
        while self._token.text == ";":
            self._advance()
        return self._token.kind != "end"

    def _begins_assignment(self) -> bool:
        return self._token.kind == "name" and self._tokens[self._at + 1].text == "="

    def _assignment(self) -> Assignment:
        name = self._plain_name("an assigned name")
        value = self._expression(CONDITIONAL)
        return Assignment(name.text, value, start=name.start, stop=self._last.stop)

    def _plain_name(self, what: str) -> Token:
        """The name before `=`, and step over both."""
        name = self._advance()
        if "." in name.text or name.text.lower() in WORDS:
            raise self._error(
                name, f"{what} must have no dots and not be and, or, not, got {name.text!r}"
            )
        self._advance()
        return name

    def _end_of_statement(self) -> None:
        token = self._token
        if token.kind == "end" or token.text == ";" or token.new_line:
            return
        if token.text == ")":
            raise self._error(token, "this ')' closes nothing: no '(' is open")
        raise self._unexpected("an operator or the end of the statement")

    def _value_on_signed_line(self, statements: list[Assignment]) -> Program:
        """The program whose last line, begun with - or +, is the value, if there is such a one."""
        last = statements[-1]
        hint = f"add a last line: {last.name}"
        if self._continued:
            hint += "; or end the line before the value with ;"
        elif len(statements) == 1:
            hint += "; or, to compare, write == for ="
        message = f"the last statement must be the value, but it assigns {last.name!r}"
        error = error_at(self._text, last, message, hint)
        if len(self._continued) != 1:
            raise error
        try:
            program = _Parser(self._text, self._tokens, self._continued[0]).program()
        except ExpressionError:
            raise error from None
        if not any(isinstance(node, Name) and node.key == last.key for node in walk(program.value)):
            raise error
        return program

    # expressions

    def _expression(self, loosest: int) -> Node:
        """An operand and all signs after it that bind at least as tightly as `loosest`."""
        first = self._token
        self._nested += 1
        if self._nested > 2 * MAX_LEVELS + 1:
            # At most MAX_LEVELS of these are parentheses; each other one is a level of the tree.
            raise self._too_deep(first)
        left = self._operand()
        while True:
            sign = self._token
            if sign is self._value:
                break
            binary = self._binary_sign(sign)
            if binary is not None and LEVELS[binary] >= loosest:
                left = self._binary(binary, left, first)
            elif sign.text == "?" and loosest == CONDITIONAL:
                left = self._conditional(left, first)
            else:
                break
        self._nested -= 1
        return left

    def _binary_sign(self, token: Token) -> BinarySign | None:
        return BINARY_SPELLINGS.get(token.text.lower())

    def _binary(self, binary: BinarySign, left: Node, first: Token) -> Node:
        sign = self._advance()
        if sign.new_line and binary in ("-", "+"):
            self._continued.append(sign)
        level, right_level = LEVELS[binary], operand_levels(binary)[1]
        right = self._expression(right_level)
        self._check_height(sign, left, right)
        after = self._binary_sign(self._token)
        if level in UNCHAINED and after is not None and LEVELS[after] == level:
            raise self._error(
                self._token,
                "comparisons must not follow one another without parentheses",
                "join two comparisons with &&, as in a < b && b < c",
            )
        return Binary(binary, left, right, start=first.start, stop=self._last.stop)

    def _conditional(self, condition: Node, first: Token) -> Node:
        sign = self._advance()
        yes = self._expression(CONDITIONAL)
        if self._token.text != ":":
            raise self._error(sign, f"this '?' has no ':', got {_described(self._token)}")
        self._advance()
        no = self._expression(CONDITIONAL)
        self._check_height(sign, condition, yes, no)
        return Conditional(condition, yes, no, start=first.start, stop=self._last.stop)

    def _operand(self) -> Node:
        token = self._token
        if token.kind == "name" and self._is_called():
            return self._call()
        if token.text == "(":
            return self._parenthesis()
        if token.text.lower() in UNARY_SPELLINGS:
            return self._unary()
        if token.kind in ("sign", "end") or token.text.lower() in WORDS:
            raise self._unexpected("a number, a name, a call or '('")
        self._advance()
        place = {"start": token.start, "stop": token.stop}
        if token.kind == "number":
            return Number(float(token.text), **place)
        if token.kind == "text":
            return Text(token.text[1:-1], **place)
        return Name(token.text, **place)

    def _unary(self) -> Node:
        sign = self._advance()
        operand = self._expression(UNARY)
        self._check_height(sign, operand)
        after = self._binary_sign(self._token)
        if sign.kind == "name" and after is not None and LEVELS[after] > LEVELS["&&"]:
            raise self._error(
                self._token,
                f"what 'not' covers must stand in parentheses before {self._token.text!r}",
                f"write not(a {self._token.text} b), or (not a) {self._token.text} b",
            )
        unary = UNARY_SPELLINGS[sign.text.lower()]
        return Unary(unary, operand, start=sign.start, stop=self._last.stop)

    def _parenthesis(self) -> Node:
        self._enter()
        inside = self._expression(CONDITIONAL)
        self._leave("an operator or ')'")
        return inside

    # calls

    def _is_called(self) -> bool:
        after = self._tokens[self._at + 1]
        return after.text == "(" and not after.new_line

    def _call(self) -> Node:
        name = self._advance()
        self._enter()
        arguments: list[Node] = []
        keywords: list[Keyword] = []
        while self._token.text != ")" or arguments or keywords:
            self._argument(name.text, arguments, keywords)
            if self._token.text != ",":
                break
            self._advance()
        self._leave("an operator, ',' or ')'")
        self._check_height(name, *arguments, *(keyword.value for keyword in keywords))
        place = {"start": name.start, "stop": self._last.stop}
        return Call(name.text, tuple(arguments), tuple(keywords), **place)

    def _argument(self, call: str, arguments: list[Node], keywords: list[Keyword]) -> None:
        """Read one argument into the list of its kind."""
        if self._begins_assignment():
            name = self._plain_name("the name of an argument")
            value = self._expression(CONDITIONAL)
            keyword = Keyword(name.text, value, start=name.start, stop=self._last.stop)
            if any(keyword.key == other.key for other in keywords):
                raise self._error(name, f"the argument {name.text!r} of {call!r} is given twice")
            keywords.append(keyword)
            return
        begin = self._token
        value = self._expression(CONDITIONAL)
        if keywords:
            raise ExpressionError(
                self._text,
                begin.start,
                self._last.stop - begin.start,
                f"an argument of {call!r} without a name must not follow one with a name",
                f"name it, or move it before {keywords[0].name}=",
            )
        arguments.append(value)

    def _enter(self) -> None:
        """Step over a `(`."""
        self._open.append(self._advance())
        if len(self._open) > MAX_LEVELS:
            raise self._too_deep(self._last)

    def _leave(self, expected: str) -> None:
        """Step over the `)` that closes the innermost open parenthesis."""
        if self._token.text != ")":
            raise self._unexpected(expected)
        self._advance()
        self._open.pop()

    # tokens

    @property
    def _token(self) -> Token:
        """The next token."""
        return self._tokens[self._at]

    @property
    def _last(self) -> Token:
        """The token last stepped over."""
        return self._tokens[self._at - 1]

    def _advance(self) -> Token:
        token = self._token
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    # errors

    def _error(self, token: Token, message: str, hint: str | None = None) -> ExpressionError:
        return ExpressionError(self._text, token.start, len(token.text), message, hint)

    def _check_height(self, token: Token, *parts: Node) -> None:
        if height_over(*parts) > MAX_LEVELS:
            raise self._too_deep(token)

    def _too_deep(self, token: Token) -> ExpressionError:
        return self._error(
            token,
            f"an expression must have at most {MAX_LEVELS} levels of operators and parentheses",
            "give a part of it a name, part = ...; and use the name",
        )

    def _unexpected(self, expected: str) -> ExpressionError:
        """The next token cannot stand where it stands."""
        token = self._token
        if self._open and (token.kind == "end" or token.text == ";"):
            message = f"this '(' is never closed: expected {expected}, got {_described(token)}"
            return self._error(self._open[-1], message)
        message = f"expected {expected}, got {_described(token)}"
        return self._error(token, message, self._meant(token))

    def _meant(self, token: Token) -> str | None:
        """What a sign that cannot stand where it stands was probably meant to be."""
        if self._at and self._last.stop == token.start:
            together = self._last.text + token.text
            if together in _FOREIGN_SIGNS:
                return f"write {_FOREIGN_SIGNS[together]} for {together}"
        if token.text == "=":
            return "= gives a name to a statement or an argument; to compare, write =="
        return None


def _described(token: Token) -> str:
    if token.kind == "end":
        return "the end of the text"
    if token.kind == "sign":
        return f"'{token.text}'"
    return f"the {'word' if token.text.lower() in WORDS else token.kind} {token.text}"
