import Testing

/// The readers of source that the rules stand on.
@Suite struct ScannerTests {
    private func code(_ text: String, _ path: String = "a.swift") -> String {
        SourceFile(path: path, text: text).code.joined(separator: "\n")
    }

    private func lengths(_ text: String, _ path: String = "a.swift") -> [Int] {
        FunctionLengths.functions(in: SourceFile(path: path, text: text)).map(\.lineCount)
    }

    @Test func `comments are blank and code keeps its place`() {
        #expect(code("a // b\nc") == "a     \nc")
        #expect(code("a /* b /* c */ d */ e") == "a                   e")
        #expect(code("a /* b\nc */ d") == "a     \n     d")
    }

    @Test func `strings are blank, what is interpolated is code`() {
        #expect(code(#"a "b // c" d"#) == "a          d")
        #expect(code(#""a \" b" c"#) == "         c")
        #expect(code(#""a \(b("c")) d" e"#).contains("b("))
        #expect(!code(#""a \(b("c")) d" e"#).contains("c"))
        #expect(code("\"\"\"\n{ \" {\n\"\"\" a") == "   \n     \n    a")
        #expect(code("#\"a \" \\(b) \"# c").hasSuffix("c"))
        #expect(!code("#\"a \" \\(b) \"# c").contains("b"))
    }

    @Test func `quoted names and character constants are opaque`() {
        #expect(code("func `a \"b\" // c`() {}") == "func `__________`() {}")
        #expect(code("char a = '\"'; b", "a.c") == "char a = '_'; b")
        #expect(code("char a = '\\''; b", "a.c") == "char a = '__'; b")
    }

    @Test func `a function is measured from its keyword to its brace`() {
        #expect(lengths("func a() {\n}\n") == [2])
        #expect(lengths("func a(\n    b: Int\n)\n    -> Int\n{\n    1\n}") == [7])
        #expect(lengths("func a() { }; func b() {\n}") == [1, 2])
    }

    @Test func `braces in strings and comments do not count`() {
        #expect(lengths("func a() {\n    let b = \"}\" // }\n    /* } */\n}") == [4])
    }

    @Test func `requirements, calls and types are no functions`() {
        #expect(lengths("protocol A {\n    func b()\n    init()\n}\nstruct C {\n\n\n}") == [])
        #expect(lengths("let a = self.init(b) { c }\nlet d = functional { }") == [])
    }

    @Test func `initializers, subscripts and nested functions are measured`() {
        #expect(lengths("init(a: Int) {\n}\ninit?() {\n}\ndeinit {\n}") == [2, 2, 2])
        #expect(lengths("subscript(a: Int) -> B {\n    get {\n    }\n}") == [4])
        #expect(lengths("func a() {\n    func b() {\n    }\n}") == [4, 2])
    }

    @Test func `a closure as a default argument is no body`() {
        #expect(lengths("func a(b: () -> Int = { 1 }) {\n\n}") == [3])
    }

    @Test func `C functions are found at the outermost level`() {
        #expect(lengths("int a(void)\n{\n    if (b) {\n    }\n}\nstruct c {\n};", "a.c") == [4])
    }
}
