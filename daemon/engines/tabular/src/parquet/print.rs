//! Values of Arrow types that the dataset's form does not have, as text: nested ones as JSON.

use polars_arrow::array::{
    Array, DictionaryArray, DictionaryKey, FixedSizeListArray, ListArray, MapArray, StructArray, Utf8Array,
    Utf8ViewArray, get_value_display,
};
use polars_arrow::datatypes::{ArrowDataType, IntegerType};

use super::decimal::digits;

/// The value at `i`; `None` where it is missing. `nested` says that it stands within JSON, where texts are quoted.
pub(super) fn print(array: &dyn Array, i: usize, nested: bool) -> Option<String> {
    if i >= array.len() || array.is_null(i) {
        return None;
    }
    let any = array.as_any();
    let quote = |text: &str| {
        if nested { serde_json::to_string(text).unwrap_or_default() } else { text.to_owned() }
    };
    if let Some(texts) = any.downcast_ref::<Utf8ViewArray>() {
        return Some(quote(texts.value(i)));
    }
    if let Some(texts) = any.downcast_ref::<Utf8Array<i32>>() {
        return Some(quote(texts.value(i)));
    }
    if let Some(texts) = any.downcast_ref::<Utf8Array<i64>>() {
        return Some(quote(texts.value(i)));
    }
    if let Some(list) = any.downcast_ref::<ListArray<i64>>() {
        return Some(items(list.value(i).as_ref()));
    }
    if let Some(list) = any.downcast_ref::<ListArray<i32>>() {
        return Some(items(list.value(i).as_ref()));
    }
    if let Some(map) = any.downcast_ref::<MapArray>() {
        return Some(items(map.value(i).as_ref()));
    }
    if let Some(list) = any.downcast_ref::<FixedSizeListArray>() {
        return Some(items(list.value(i).as_ref()));
    }
    if let Some(object) = any.downcast_ref::<StructArray>() {
        let pairs = object.fields().iter().zip(object.values()).map(|(field, values)| {
            let name = serde_json::to_string(field.name.as_str()).unwrap_or_default();
            format!("{name}:{}", json(values.as_ref(), i))
        });
        return Some(format!("{{{}}}", pairs.collect::<Vec<_>>().join(",")));
    }
    if let ArrowDataType::Dictionary(key, _, _) = array.dtype() {
        return match key {
            IntegerType::Int8 => category::<i8>(array, i, nested),
            IntegerType::Int16 => category::<i16>(array, i, nested),
            IntegerType::Int32 => category::<i32>(array, i, nested),
            IntegerType::Int64 => category::<i64>(array, i, nested),
            IntegerType::UInt8 => category::<u8>(array, i, nested),
            IntegerType::UInt16 => category::<u16>(array, i, nested),
            IntegerType::UInt32 => category::<u32>(array, i, nested),
            IntegerType::UInt64 => category::<u64>(array, i, nested),
            _ => None,
        };
    }
    if let Some(number) = digits(array, i) {
        return Some(number);
    }
    let mut text = String::new();
    get_value_display(array, "null")(&mut text, i).ok()?;
    // Numbers and truth values are JSON as they print; dates, times and bytes are not.
    let bare = serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    Some(if bare { text } else { quote(&text) })
}

fn json(array: &dyn Array, i: usize) -> String {
    print(array, i, true).unwrap_or_else(|| "null".to_owned())
}

fn items(values: &dyn Array) -> String {
    let items: Vec<String> = (0..values.len()).map(|i| json(values, i)).collect();
    format!("[{}]", items.join(","))
}

fn category<K: DictionaryKey>(array: &dyn Array, i: usize, nested: bool) -> Option<String> {
    let dictionary = array.as_any().downcast_ref::<DictionaryArray<K>>()?;
    print(dictionary.values().as_ref(), dictionary.key_value(i), nested)
}
