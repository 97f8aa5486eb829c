// swift-format-ignore-file
// Written by scripts/embed-templates from examples/rust-rows/src/json.rs: change that, then run it.
extension PluginTemplates {
    static let rustJSON = #"""
        //! Reads a JSON document: as much as a strategy needs, and strictly.

        pub enum Json {
            Null,
            Bool,
            Number(f64),
            Text(String),
            Array(Vec<Json>),
            Object(Vec<(String, Json)>),
        }

        const MAX_DEPTH: u32 = 64;

        impl Json {
            pub fn parse(bytes: &[u8]) -> Option<Json> {
                let text = std::str::from_utf8(bytes).ok()?;
                let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
                let value = reader.value(0)?;
                reader.space();
                (reader.at == reader.bytes.len()).then_some(value)
            }

            pub fn member(&self, key: &str) -> Option<&Json> {
                match self {
                    Json::Object(members) => members.iter().find(|(name, _)| name == key).map(|m| &m.1),
                    _ => None,
                }
            }

            pub fn first(&self) -> Option<&Json> {
                match self {
                    Json::Array(elements) => elements.first(),
                    _ => None,
                }
            }

            /// A whole number from 0.
            pub fn count(&self) -> Option<u64> {
                match self {
                    Json::Number(n) if *n >= 0.0 && n.fract() == 0.0 && *n < 9e15 => Some(*n as u64),
                    _ => None,
                }
            }

            pub fn text(&self) -> Option<&str> {
                match self {
                    Json::Text(text) => Some(text),
                    _ => None,
                }
            }
        }

        struct Reader<'a> {
            bytes: &'a [u8],
            at: usize,
        }

        impl Reader<'_> {
            fn peek(&self) -> Option<u8> {
                self.bytes.get(self.at).copied()
            }

            fn space(&mut self) {
                while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
                    self.at += 1;
                }
            }

            fn take(&mut self, wanted: u8) -> bool {
                self.space();
                let found = self.peek() == Some(wanted);
                self.at += usize::from(found);
                found
            }

            fn word(&mut self, word: &str, value: Json) -> Option<Json> {
                let found = self.bytes[self.at..].starts_with(word.as_bytes());
                self.at += word.len();
                found.then_some(value)
            }

            fn value(&mut self, depth: u32) -> Option<Json> {
                self.space();
                if depth > MAX_DEPTH {
                    return None;
                }
                match self.peek()? {
                    b'{' => self.object(depth),
                    b'[' => self.array(depth),
                    b'"' => Some(Json::Text(self.string()?)),
                    b't' => self.word("true", Json::Bool),
                    b'f' => self.word("false", Json::Bool),
                    b'n' => self.word("null", Json::Null),
                    _ => self.number(),
                }
            }

            fn object(&mut self, depth: u32) -> Option<Json> {
                self.at += 1;
                let mut members = Vec::new();
                if self.take(b'}') {
                    return Some(Json::Object(members));
                }
                loop {
                    self.space();
                    let key = self.string()?;
                    if !self.take(b':') {
                        return None;
                    }
                    members.push((key, self.value(depth + 1)?));
                    if self.take(b'}') {
                        return Some(Json::Object(members));
                    }
                    if !self.take(b',') {
                        return None;
                    }
                }
            }

            fn array(&mut self, depth: u32) -> Option<Json> {
                self.at += 1;
                let mut elements = Vec::new();
                if self.take(b']') {
                    return Some(Json::Array(elements));
                }
                loop {
                    elements.push(self.value(depth + 1)?);
                    if self.take(b']') {
                        return Some(Json::Array(elements));
                    }
                    if !self.take(b',') {
                        return None;
                    }
                }
            }

            /// A string; escapes are stepped over and kept as they are written.
            fn string(&mut self) -> Option<String> {
                if self.peek()? != b'"' {
                    return None;
                }
                self.at += 1;
                let start = self.at;
                loop {
                    match self.peek()? {
                        b'"' => break,
                        b'\\' => self.at += 2,
                        0..=0x1f => return None,
                        _ => self.at += 1,
                    }
                }
                let text = String::from_utf8_lossy(&self.bytes[start..self.at]).into_owned();
                self.at += 1;
                Some(text)
            }

            fn number(&mut self) -> Option<Json> {
                let start = self.at;
                while matches!(self.peek(), Some(b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')) {
                    self.at += 1;
                }
                let text = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
                let number: f64 = text.parse().ok()?;
                number.is_finite().then_some(Json::Number(number))
            }
        }

        """#
}
