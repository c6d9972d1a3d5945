//! As much of JSON as a file of programs needs: objects, arrays, strings, whole numbers.

use std::collections::HashMap;

/// A value. A number has no fraction and fits into 64 bits; a string is kept as it stands, escapes
/// and all.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    Null,
    Boolean(bool),
    Number(i64),
    Text(String),
    Array(Vec<Json>),
    Object(HashMap<String, Json>),
}

impl Json {
    /// The value of a text, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Json, String> {
        let mut reader = Reader {
            text: text.as_bytes(),
            at: 0,
        };
        let value = reader.value()?;
        match reader.peek() {
            None => Ok(value),
            Some(_) => Err(reader.error("more behind the end")),
        }
    }

    pub fn field(&self, name: &str) -> Result<&Json, String> {
        match self {
            Json::Object(fields) => fields.get(name).ok_or(format!("{name} is missing")),
            _ => Err(format!("no object that could have {name}")),
        }
    }

    pub fn elements(&self) -> Result<&[Json], String> {
        match self {
            Json::Array(elements) => Ok(elements),
            other => Err(format!("no array: {other:?}")),
        }
    }

    pub fn number(&self) -> Result<i64, String> {
        match self {
            Json::Number(number) => Ok(*number),
            other => Err(format!("no number: {other:?}")),
        }
    }

    pub fn text(&self) -> Result<&str, String> {
        match self {
            Json::Text(text) => Ok(text),
            other => Err(format!("no string: {other:?}")),
        }
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn error(&self, what: &str) -> String {
        format!("at byte {}: {what}", self.at)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<(), String> {
        if self.peek() != Some(byte) {
            return Err(self.error(&format!("expected {:?}", byte as char)));
        }
        self.at += 1;
        Ok(())
    }

    fn value(&mut self) -> Result<Json, String> {
        match self.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            _ => self.word(),
        }
    }

    fn object(&mut self) -> Result<Json, String> {
        let mut fields = HashMap::new();
        self.list(b'{', b'}', |reader| {
            let name = reader.string()?;
            reader.expect(b':')?;
            fields.insert(name, reader.value()?);
            Ok(())
        })?;
        Ok(Json::Object(fields))
    }

    fn array(&mut self) -> Result<Json, String> {
        let mut elements = Vec::new();
        self.list(b'[', b']', |reader| {
            elements.push(reader.value()?);
            Ok(())
        })?;
        Ok(Json::Array(elements))
    }

    /// What stands between two brackets, with commas between.
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut element: impl FnMut(&mut Self) -> Result<(), String>,
    ) -> Result<(), String> {
        self.expect(open)?;
        if self.peek() != Some(close) {
            element(self)?;
            while self.peek() == Some(b',') {
                self.at += 1;
                element(self)?;
            }
        }
        self.expect(close)
    }

    fn string(&mut self) -> Result<String, String> {
        self.expect(b'"')?;
        let start = self.at;
        while let Some(byte) = self.text.get(self.at) {
            match byte {
                b'"' => {
                    let text = String::from_utf8_lossy(&self.text[start..self.at]).into_owned();
                    self.at += 1;
                    return Ok(text);
                }
                b'\\' => self.at += 2,
                _ => self.at += 1,
            }
        }
        Err(self.error("a string without end"))
    }

    fn word(&mut self) -> Result<Json, String> {
        let start = self.at;
        let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'-';
        while self.text.get(self.at).is_some_and(is_part) {
            self.at += 1;
        }
        match std::str::from_utf8(&self.text[start..self.at]).unwrap_or_default() {
            "null" => Ok(Json::Null),
            "true" => Ok(Json::Boolean(true)),
            "false" => Ok(Json::Boolean(false)),
            word => word
                .parse()
                .map(Json::Number)
                .map_err(|_| self.error("no value")),
        }
    }
}
