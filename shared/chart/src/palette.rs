//! Colours that people with any kind of colour vision tell apart, on paper, on a
//! light screen and on a dark one; and the style of pictures, which they make.

use crate::text::put;

/// Series that have a colour of their own.
pub(crate) const SERIES: usize = 8;

/// The colours of one surface.
#[derive(Debug)]
pub(crate) struct Palette {
    pub(crate) surface: &'static str,
    pub(crate) text: &'static str,
    pub(crate) muted: &'static str,
    pub(crate) grid: &'static str,
    pub(crate) zero: &'static str,
    /// What is left of many.
    pub(crate) other: &'static str,
    pub(crate) series: [&'static str; SERIES],
}

/// On white. Hues of Okabe and Ito's set, darkened to a contrast of three to one.
pub(crate) const LIGHT: Palette = Palette {
    surface: "#ffffff",
    text: "#1b1f27",
    muted: "#545b69",
    grid: "#e3e6eb",
    zero: "#7a8190",
    other: "#7d7d7d",
    series: [
        "#0072b2", "#d55e00", "#008f68", "#b1489a", "#946c00", "#332288", "#3b8fc4", "#882255",
    ],
};

/// On near black.
pub(crate) const DARK: Palette = Palette {
    surface: "#15181e",
    text: "#e9ecf1",
    muted: "#b0b7c4",
    grid: "#2c323c",
    zero: "#8b93a2",
    other: "#9a9a9a",
    series: [
        "#5ab4ec", "#ff9a4a", "#2ec79b", "#e391d3", "#e2c14e", "#a79cf5", "#a5d6f7", "#e58aa8",
    ],
};

/// Dashes that tell lines apart without their colours.
const DASHES: [&str; SERIES] = ["", "7 4", "2 3", "10 3 2 3", "5 2", "1 4", "12 4", "6 2 1 2"];

/// The style of what pictures are drawn with.
pub(crate) fn marks(palette: &Palette) -> String {
    let Palette { surface, text, muted, grid, zero, other, series } = palette;
    let mut css = String::new();
    put!(
        css,
        ".n{{fill:{text}}}.m{{fill:{muted}}}.g{{stroke:{grid}}}.z{{stroke:{zero}}}\
         .e{{stroke:{surface}}}.o{{fill:{other}}}.b{{fill:{surface}}}"
    );
    for (index, colour) in series.iter().enumerate() {
        put!(css, ".s{index}{{fill:{colour}}}.p{index}{{stroke:{colour}}}");
    }
    css
}

/// The style that is the same on every surface.
pub(crate) fn strokes() -> String {
    let mut css = String::from(
        ".k{font:12px system-ui,-apple-system,\"Segoe UI\",Roboto,\"Liberation Sans\",Arial,sans-serif}\
         .h{font-size:16px;font-weight:600}.f{font-size:44px;font-weight:600}.w{font-weight:600}\
         .r{text-anchor:end}.c{text-anchor:middle}.g,.z,.e{stroke-width:1}\
         .l{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\
         .a{fill-opacity:.22}.d{fill-opacity:.85}",
    );
    for (index, dash) in DASHES.iter().enumerate().skip(1) {
        put!(css, ".p{index}{{stroke-dasharray:{dash}}}");
    }
    css
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance and contrast as in WCAG 2.2.
    fn luminance(colour: &str) -> f64 {
        let channel = |at: usize| {
            let value = u8::from_str_radix(&colour[at..at + 2], 16).expect(colour);
            let value = f64::from(value) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * channel(1) + 0.7152 * channel(3) + 0.0722 * channel(5)
    }

    fn contrast(one: &str, other: &str) -> f64 {
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn marks_and_texts_stand_out_from_their_surface() {
        for palette in [&LIGHT, &DARK] {
            for text in [palette.text, palette.muted] {
                assert!(contrast(text, palette.surface) >= 4.5, "{text}");
            }
            for mark in palette.series.iter().chain([&palette.other, &palette.zero]) {
                let found = contrast(mark, palette.surface);
                assert!(found >= 3.0, "{mark} on {}: {found}", palette.surface);
            }
        }
    }

    #[test]
    fn neighbours_differ_to_people_who_do_not_tell_red_from_green() {
        // The differences of blue to yellow and of lightness, which stay.
        for palette in [&LIGHT, &DARK] {
            for pair in palette.series[..5].windows(2) {
                let side = |colour: &str| {
                    let of = |at| i32::from_str_radix(&colour[at..at + 2], 16).expect("hex");
                    (of(5) - (of(1) + of(3)) / 2, luminance(colour))
                };
                let ((a, la), (b, lb)) = (side(pair[0]), side(pair[1]));
                let apart = f64::from((a - b).abs()) / 255.0 + (la - lb).abs();
                assert!(apart > 0.15, "{pair:?}: {apart}");
            }
        }
    }
}
