//! The named reasons for which a message is refused: one word for logs and metrics, one status.
//! A fault says what is wrong with the bytes; whose fault it is, the caller knows.

use std::fmt;

macro_rules! faults {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $status:literal, $name:literal, $text:literal; )*) => {
        /// Why a message is refused.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Fault { $( $(#[doc = $doc])+ $variant, )* }

        impl Fault {
            /// The status that answers a request with this fault.
            pub fn status(self) -> u16 {
                match self { $( Fault::$variant => $status, )* }
            }

            /// A stable word for logs and metrics, such as `length-with-chunked`.
            pub fn name(self) -> &'static str {
                match self { $( Fault::$variant => $name, )* }
            }

            /// What is wrong, in one sentence without a full stop.
            pub fn describe(self) -> &'static str {
                match self { $( Fault::$variant => $text, )* }
            }
        }
    };
}

faults! {
    /// The start line is not what RFC 9112 section 3 or 4 says.
    StartLine = 400, "start-line", "the start line is malformed";
    /// Not HTTP/1.0 or HTTP/1.1.
    Version = 505, "version", "this version of HTTP is not spoken here";
    /// The method is no token.
    Method = 400, "method", "the method is no token, or one that is registered in capitals";
    /// The method is longer than any that is known (RFC 9112 section 3).
    MethodTooLong = 501, "method-too-long", "the method is longer than any that is known";
    /// CONNECT: there are no tunnels to arbitrary hosts.
    Connect = 501, "connect", "`CONNECT` is not served";
    /// A line ends in a bare LF, or holds a bare CR.
    LineEnding = 400, "line-ending", "a line does not end with CRLF";
    /// A header name is no token, has space before the colon, or the line is folded.
    FieldName = 400, "field-name", "a field name is malformed";
    /// A header value holds a control character.
    FieldValue = 400, "field-value", "a field value holds a control character";
    /// The head has more bytes than the cap.
    HeadTooLarge = 431, "head-too-large", "the header section is larger than the cap";
    /// The head has more fields than the cap.
    TooManyFields = 431, "too-many-fields", "there are more header fields than the cap";
    /// The target alone has more bytes than the cap.
    TargetTooLong = 414, "target-too-long", "the request target is longer than the cap";
    /// The target is in no form that its method allows.
    TargetForm = 400, "target-form", "the request target has the wrong form";
    /// HTTP/1.1 without `Host`.
    HostMissing = 400, "host-missing", "the `Host` field is missing";
    /// The host is no name and no address.
    HostInvalid = 400, "host-invalid", "the host is not a valid name or address";
    /// `Host`, `:authority` and the absolute target name different hosts.
    HostMismatch = 400, "host-mismatch", "two different hosts are named";
    /// A field that may have one value has several.
    FieldRepeated = 400, "field-repeated", "a field that has one value is repeated";
    /// `Connection` names a field that is not hop-by-hop.
    ConnectionOption = 400, "connection-option", "`Connection` names an end-to-end field";
    /// `Connection` lists more options than any sender has.
    ConnectionOptions = 400, "connection-options", "`Connection` lists too many options";
    /// A character that cannot stand in a path.
    PathCharacter = 400, "path-character", "the path holds a character that must be encoded";
    /// `%` without two hex digits.
    PercentInvalid = 400, "percent-invalid", "a percent-encoding is malformed";
    /// `%2F` in the path.
    PathEncodedSlash = 400, "path-encoded-slash", "the path holds an encoded slash";
    /// `\` or `%5C` in the path.
    PathBackslash = 400, "path-backslash", "the path holds a backslash";
    /// An encoded NUL or control character in the path.
    PathControl = 400, "path-control", "the path holds an encoded control character";
    /// `..` beyond the root.
    PathAboveRoot = 400, "path-above-root", "the path climbs above the root";
    /// `..;x`: some servers drop the parameter and then climb.
    PathDotParameter = 400, "path-dot-parameter", "a dot segment has a parameter";
    /// A character that cannot stand in a query.
    QueryCharacter = 400, "query-character", "the query holds a character that must be encoded";
    /// `Content-Length` is no number, overflows or is repeated.
    ContentLength = 400, "content-length", "`Content-Length` is malformed or repeated";
    /// Both `Content-Length` and `Transfer-Encoding`.
    LengthWithChunked = 400, "length-with-chunked",
        "`Content-Length` and `Transfer-Encoding` stand together";
    /// A transfer coding other than `chunked`.
    TransferCoding = 501, "transfer-coding", "this transfer coding is not spoken here";
    /// `Transfer-Encoding` is repeated, malformed, or in an HTTP/1.0 message.
    TransferEncoding = 400, "transfer-encoding", "`Transfer-Encoding` is malformed or misplaced";
    /// An expectation other than `100-continue`.
    Expectation = 417, "expectation", "this expectation cannot be met";
    /// A chunk's size line or end is malformed.
    Chunk = 400, "chunk", "the chunked coding is malformed";
    /// Chunk extensions or trailers beyond the cap.
    ChunkOverhead = 400, "chunk-overhead", "chunk extensions or trailers are larger than the cap";
    /// A trailer field that changes framing or routing.
    TrailerField = 400, "trailer-field", "a trailer field must not stand in a trailer section";
    /// The content is larger than the cap.
    BodyTooLarge = 413, "body-too-large", "the content is larger than the cap";
    /// The head did not arrive in time.
    HeadTimeout = 408, "head-timeout", "the request head did not arrive in time";
    /// The connection ended inside a message.
    Truncated = 400, "truncated", "the connection ended inside the message";
    /// A response with a status outside 100 to 599, or a wrong interim one.
    Status = 502, "status", "the status code is not one that can be answered";
    /// An HTTP/2 client resets streams, or has them reset, more often than it lets them be answered.
    StreamResets = 429, "stream-resets", "too many young streams were reset";
    /// An HTTP/2 client sends frames that bring nothing.
    FrameFlood = 429, "frame-flood", "too many frames brought nothing";
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

impl std::error::Error for Fault {}
