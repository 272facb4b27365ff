//! Decimals of foreign Parquet, as digits: a whole number and how many of its digits stand behind the point. Written here,
//! because Arrow's own display loses the zeros right behind the point and the sign before a zero (15.07 prints as 15.7,
//! -0.05 as 0.5).

use polars_arrow::array::{Array, PrimitiveArray};
use polars_arrow::datatypes::ArrowDataType;
use polars_arrow::types::i256;

/// The decimal at `i` in its own digits, as in `-0.05`; `None` where the array is not one of decimals. The value has to be
/// there: a missing one gives whatever digits stand in its place.
pub(super) fn digits(array: &dyn Array, i: usize) -> Option<String> {
    use ArrowDataType as A;
    let any = array.as_any();
    let (A::Decimal(_, scale) | A::Decimal32(_, scale) | A::Decimal64(_, scale) | A::Decimal256(_, scale)) =
        array.dtype()
    else {
        return None;
    };
    let whole = match array.dtype() {
        A::Decimal32(..) => any.downcast_ref::<PrimitiveArray<i32>>()?.value(i).to_string(),
        A::Decimal64(..) => any.downcast_ref::<PrimitiveArray<i64>>()?.value(i).to_string(),
        A::Decimal256(..) => any.downcast_ref::<PrimitiveArray<i256>>()?.value(i).0.to_string(),
        _ => any.downcast_ref::<PrimitiveArray<i128>>()?.value(i).to_string(),
    };
    Some(pointed(&whole, *scale))
}

/// The whole number with a point before its last `scale` digits.
fn pointed(whole: &str, scale: usize) -> String {
    if scale == 0 {
        return whole.to_owned();
    }
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let digits = format!("{digits:0>width$}", width = scale + 1);
    let (before, behind) = digits.split_at(digits.len() - scale);
    format!("{sign}{before}.{behind}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimals(values: &[i128], scale: usize) -> Vec<Option<String>> {
        let array = PrimitiveArray::<i128>::from_vec(values.to_vec()).to(ArrowDataType::Decimal(22, scale));
        (0..values.len()).map(|i| digits(&array, i)).collect()
    }

    #[test]
    fn zeros_behind_the_point_and_the_sign_before_a_zero_stay() {
        let told = decimals(&[1507, -5, 1570, 10_000, 9, -301, 0], 2);
        let want = ["15.07", "-0.05", "15.70", "100.00", "0.09", "-3.01", "0.00"];
        assert_eq!(told, want.map(|text| Some(text.to_owned())));
        assert_eq!(decimals(&[-42, 7], 0), [Some("-42".to_owned()), Some("7".to_owned())]);
    }

    #[test]
    fn every_width_is_told_alike_and_other_arrays_are_none() {
        let narrow = PrimitiveArray::<i32>::from_vec(vec![-5]).to(ArrowDataType::Decimal32(9, 2));
        let middle = PrimitiveArray::<i64>::from_vec(vec![-5]).to(ArrowDataType::Decimal64(18, 2));
        assert_eq!(digits(&narrow, 0).as_deref(), Some("-0.05"));
        assert_eq!(digits(&middle, 0).as_deref(), Some("-0.05"));
        assert_eq!(digits(&PrimitiveArray::<i64>::from_vec(vec![5]), 0), None);
    }
}
