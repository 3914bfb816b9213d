//! `params!`: states a struct, its parameter rows and its decoding once. It knows no types by name.

/// A Rust name as the language writes it: a parameter may be called `else`, its field then is `r#else`.
#[doc(hidden)]
pub const fn plain_name(name: &str) -> &str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares a struct whose fields are the parameters of a row.
///
/// ```
/// gw_lang::params! {
///     /// How often one key may pass.
///     pub struct RateLimit {
///         /// Requests a key may make in one window.
///         requests: u32,
///         /// Length of the window.
///         per: std::time::Duration = "1s",
///         /// What is counted.
///         by: gw_lang::vocab::Dyn<String> = "\"all\"",
///     }
/// }
/// assert_eq!(RateLimit::PARAMS[1].default, Some("1s"));
/// ```
///
/// A plain type must be constant once inputs are bound; `Dyn<T>` may depend on the request. A default is text in
/// the language. An `Option<T>` without a default is absent when not given. `..name: Vec<T>` collects what is left
/// of the positional arguments.
#[macro_export]
macro_rules! params {
    (
        $(#[$outer:meta])*
        pub struct $name:ident { $($body:tt)* }
    ) => {
        $crate::params!(@fields [$(#[$outer])*] $name [] $($body)*);
    };
    (@fields $head:tt $name:ident [$($done:tt)*] $(#[doc = $doc:literal])* .. $field:ident : $ty:ty $(, $($rest:tt)*)?) => {
        $crate::params!(@fields $head $name [$($done)* { $field, $ty, [$($doc)*], ::core::option::Option::None, true }] $($($rest)*)?);
    };
    (@fields $head:tt $name:ident [$($done:tt)*] $(#[doc = $doc:literal])* $field:ident : $ty:ty = $default:literal $(, $($rest:tt)*)?) => {
        $crate::params!(@fields $head $name [$($done)* { $field, $ty, [$($doc)*], ::core::option::Option::Some($default), false }] $($($rest)*)?);
    };
    (@fields $head:tt $name:ident [$($done:tt)*] $(#[doc = $doc:literal])* $field:ident : $ty:ty $(, $($rest:tt)*)?) => {
        $crate::params!(@fields $head $name [$($done)* { $field, $ty, [$($doc)*], ::core::option::Option::None, false }] $($($rest)*)?);
    };
    (@fields [$($head:tt)*] $name:ident [$({ $field:ident, $ty:ty, [$($doc:literal)*], $default:expr, $rest:literal })*]) => {
        $($head)*
        pub struct $name {
            $($(#[doc = $doc])* pub $field: $ty,)*
        }

        impl $name {
            /// The rows of its parameters, in the order in which positions count.
            pub const PARAMS: &'static [$crate::vocab::Param] = &[$(
                $crate::vocab::Param {
                    name: $crate::vocab::plain_name(stringify!($field)),
                    ty: <$ty as $crate::vocab::Decode>::ty,
                    default: $default,
                    dynamic: <$ty as $crate::vocab::Decode>::DYNAMIC,
                    rest: $rest,
                    accepts: <$ty as $crate::vocab::Decode>::accepts,
                    hint: <$ty as $crate::vocab::Decode>::HINT,
                    doc: concat!($($doc, "\n"),*),
                },
            )*];

            /// Reads the arguments, one for each parameter in order. The error names the parameter's place and what
            /// is wrong with its value.
            pub fn decode(
                arguments: &[$crate::vocab::Argument],
            ) -> ::core::result::Result<Self, (usize, ::std::string::String)> {
                let mut given = arguments.iter().enumerate();
                let decoded = Self {
                    $($field: {
                        let (at, argument) = match given.next() {
                            ::core::option::Option::Some((at, argument)) => (at, argument.clone()),
                            ::core::option::Option::None => (
                                arguments.len(),
                                $crate::vocab::Argument::Constant($crate::value::Value::Absent),
                            ),
                        };
                        <$ty as $crate::vocab::Decode>::decode_argument(&argument)
                            .map_err(|reason| (at, reason))?
                    },)*
                };
                match given.next() {
                    ::core::option::Option::Some((at, _)) => {
                        ::core::result::Result::Err((at, "is one argument too many".to_owned()))
                    }
                    ::core::option::Option::None => ::core::result::Result::Ok(decoded),
                }
            }
        }
    };
}
