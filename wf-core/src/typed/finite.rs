//! A serialiser in front of another that refuses numbers that JSON does not have.

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

/// A value, or what writes one, without any number that is not finite.
///
/// JSON has no such number. `serde_json` writes `null` in its place, which is read back as something else, or not
/// at all: a run that is resumed would go on with another value than the one that it had.
pub(super) struct Finite<T>(pub(super) T);

impl<T: Serialize + ?Sized> Serialize for Finite<&T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(Finite(serializer))
    }
}

fn not_finite<E: Error>(number: f64) -> E {
    E::custom(format_args!("JSON has no number `{number}`"))
}

/// Methods that only hand over what they are given.
macro_rules! hand_over {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $answer:ty;)*) => {
        $(fn $method(self, $($argument: $kind),*) -> Result<$answer, S::Error> {
            self.0.$method($($argument),*)
        })*
    };
}

/// Methods that begin something of several values.
macro_rules! begin {
    ($($method:ident($($argument:ident: $kind:ty),*) -> $answer:ident;)*) => {
        $(fn $method(self, $($argument: $kind),*) -> Result<Self::$answer, S::Error> {
            self.0.$method($($argument),*).map(Finite)
        })*
    };
}

impl<S: Serializer> Serializer for Finite<S> {
    type Ok = S::Ok;
    type Error = S::Error;
    type SerializeSeq = Finite<S::SerializeSeq>;
    type SerializeTuple = Finite<S::SerializeTuple>;
    type SerializeTupleStruct = Finite<S::SerializeTupleStruct>;
    type SerializeTupleVariant = Finite<S::SerializeTupleVariant>;
    type SerializeMap = Finite<S::SerializeMap>;
    type SerializeStruct = Finite<S::SerializeStruct>;
    type SerializeStructVariant = Finite<S::SerializeStructVariant>;

    fn serialize_f32(self, number: f32) -> Result<S::Ok, S::Error> {
        if number.is_finite() {
            self.0.serialize_f32(number)
        } else {
            Err(not_finite(number.into()))
        }
    }

    fn serialize_f64(self, number: f64) -> Result<S::Ok, S::Error> {
        if number.is_finite() {
            self.0.serialize_f64(number)
        } else {
            Err(not_finite(number))
        }
    }

    hand_over! {
        serialize_bool(value: bool) -> S::Ok;
        serialize_i8(value: i8) -> S::Ok;
        serialize_i16(value: i16) -> S::Ok;
        serialize_i32(value: i32) -> S::Ok;
        serialize_i64(value: i64) -> S::Ok;
        serialize_i128(value: i128) -> S::Ok;
        serialize_u8(value: u8) -> S::Ok;
        serialize_u16(value: u16) -> S::Ok;
        serialize_u32(value: u32) -> S::Ok;
        serialize_u64(value: u64) -> S::Ok;
        serialize_u128(value: u128) -> S::Ok;
        serialize_char(value: char) -> S::Ok;
        serialize_str(value: &str) -> S::Ok;
        serialize_bytes(value: &[u8]) -> S::Ok;
        serialize_none() -> S::Ok;
        serialize_unit() -> S::Ok;
        serialize_unit_struct(name: &'static str) -> S::Ok;
        serialize_unit_variant(name: &'static str, index: u32, variant: &'static str) -> S::Ok;
    }

    begin! {
        serialize_seq(length: Option<usize>) -> SerializeSeq;
        serialize_tuple(length: usize) -> SerializeTuple;
        serialize_tuple_struct(name: &'static str, length: usize) -> SerializeTupleStruct;
        serialize_tuple_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeTupleVariant;
        serialize_map(length: Option<usize>) -> SerializeMap;
        serialize_struct(name: &'static str, length: usize) -> SerializeStruct;
        serialize_struct_variant(name: &'static str, index: u32, variant: &'static str, length: usize) -> SerializeStructVariant;
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<S::Ok, S::Error> {
        self.0.serialize_some(&Finite(value))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        self.0.serialize_newtype_struct(name, &Finite(value))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<S::Ok, S::Error> {
        let value = &Finite(value);
        self.0
            .serialize_newtype_variant(name, index, variant, value)
    }

    fn is_human_readable(&self) -> bool {
        self.0.is_human_readable()
    }
}

/// What is written value by value.
macro_rules! each_value {
    ($($part:ident: $method:ident($($name:ident: $kind:ty)?);)*) => {
        $(impl<S: $part> $part for Finite<S> {
            type Ok = S::Ok;
            type Error = S::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $($name: $kind,)? value: &T) -> Result<(), S::Error> {
                self.0.$method($($name,)? &Finite(value))
            }

            fn end(self) -> Result<S::Ok, S::Error> {
                self.0.end()
            }
        })*
    };
}

each_value! {
    SerializeSeq: serialize_element();
    SerializeTuple: serialize_element();
    SerializeTupleStruct: serialize_field();
    SerializeTupleVariant: serialize_field();
    SerializeStruct: serialize_field(name: &'static str);
    SerializeStructVariant: serialize_field(name: &'static str);
}

impl<S: SerializeMap> SerializeMap for Finite<S> {
    type Ok = S::Ok;
    type Error = S::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), S::Error> {
        self.0.serialize_key(&Finite(key))
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), S::Error> {
        self.0.serialize_value(&Finite(value))
    }

    fn end(self) -> Result<S::Ok, S::Error> {
        self.0.end()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;

    use super::*;

    fn written<T: Serialize>(value: &T) -> Result<String, String> {
        serde_json::to_string(&Finite(value)).map_err(|error| error.to_string())
    }

    #[derive(Serialize)]
    enum Shape {
        Point,
        Circle(f64),
        Line(f32, f32),
        Box { width: f64 },
    }

    #[derive(Serialize)]
    struct Drawing {
        shapes: Vec<Shape>,
        named: BTreeMap<String, Option<f64>>,
        at: (i128, char),
        raw: Box<RawValue>,
    }

    #[test]
    fn what_is_finite_is_written_as_it_would_be() {
        let drawing = Drawing {
            shapes: vec![
                Shape::Point,
                Shape::Circle(0.1),
                Shape::Line(0.1, -2.0),
                Shape::Box { width: 1e300 },
            ],
            named: [("a".to_owned(), Some(1.0)), ("b".to_owned(), None)].into(),
            at: (-1, 'x'),
            raw: RawValue::from_string("{\"n\": 1.0e0}".to_owned()).unwrap(),
        };
        assert_eq!(
            written(&drawing).unwrap(),
            serde_json::to_string(&drawing).unwrap()
        );
    }

    #[test]
    fn a_number_that_is_not_finite_is_refused_wherever_it_stands() {
        assert_eq!(written(&f64::NAN).unwrap_err(), "JSON has no number `NaN`");
        assert_eq!(
            written(&[1.0, f32::INFINITY]).unwrap_err(),
            "JSON has no number `inf`"
        );
        assert_eq!(
            written(&Some(f64::NEG_INFINITY)).unwrap_err(),
            "JSON has no number `-inf`"
        );
        for shape in [
            Shape::Circle(f64::NAN),
            Shape::Line(0.0, f32::NAN),
            Shape::Box { width: f64::NAN },
        ] {
            assert!(written(&shape).is_err());
        }
        assert!(written(&BTreeMap::from([("a", (f64::NAN,))])).is_err());
    }
}
