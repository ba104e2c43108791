//! Colours that people with any kind of colour vision tell apart, on paper, on a
//! light screen and on a dark one; and the style of pictures, which they make.

use crate::text::put;

/// Series that have a colour of their own.
pub(crate) const SERIES: usize = 7;

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

/// On white: as far apart as seven can be to all eyes, at a contrast of three to one.
pub(crate) const LIGHT: Palette = Palette {
    surface: "#ffffff",
    text: "#1b1f27",
    muted: "#545b69",
    grid: "#e3e6eb",
    zero: "#7a8190",
    other: "#7d7d7d",
    series: ["#0072b2", "#d55e00", "#0ea09c", "#332288", "#9a4152", "#2d95ff", "#5a2008"],
};

/// On near black.
pub(crate) const DARK: Palette = Palette {
    surface: "#15181e",
    text: "#e9ecf1",
    muted: "#b0b7c4",
    grid: "#2c323c",
    zero: "#8b93a2",
    other: "#9a9a9a",
    series: ["#5ab4ec", "#ff9a4a", "#86f2e8", "#c0574a", "#f7e64a", "#3f6fee", "#1f8ca6"],
};

/// Dashes that tell lines apart without their colours.
const DASHES: [&str; SERIES] = ["", "7 4", "2 3", "10 3 2 3", "5 2", "1 4", "12 4"];

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
        let of = |at| channel(colour, at);
        0.2126 * of(1) + 0.7152 * of(3) + 0.0722 * of(5)
    }

    /// The amount of light of a colour's channel.
    fn channel(colour: &str, at: usize) -> f64 {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).expect(colour);
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
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

    /// What a colour is to whoever has these cones (Machado, Oliveira and Fernandes,
    /// 2009), in the space OKLab, where distances are as they are seen.
    fn seen(colour: &str, cones: &[[f64; 3]; 3]) -> [f64; 3] {
        let linear = [1, 3, 5].map(|at| channel(colour, at));
        let through = |rows: &[[f64; 3]; 3], values: [f64; 3]| {
            rows.map(|row| row.iter().zip(values).map(|(a, b)| a * b).sum::<f64>())
        };
        let to_cones = [
            [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
            [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
            [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
        ];
        let to_lab = [
            [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
            [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
            [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
        ];
        let perceived = through(cones, linear).map(|value| value.clamp(0.0, 1.0));
        through(&to_lab, through(&to_cones, perceived).map(f64::cbrt))
    }

    #[test]
    fn all_colours_differ_to_all_eyes() {
        let all = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];
        let no_green = [
            [0.367_322, 0.860_646, -0.227_968],
            [0.280_085, 0.672_501, 0.047_413],
            [-0.011_820, 0.042_940, 0.968_881],
        ];
        let no_red = [
            [0.152_286, 1.052_583, -0.204_868],
            [0.114_503, 0.786_281, 0.099_216],
            [-0.003_882, -0.048_116, 1.051_998],
        ];
        for palette in [&LIGHT, &DARK] {
            for (index, one) in palette.series.iter().enumerate() {
                for (other, cones) in palette.series[..index]
                    .iter()
                    .flat_map(|other| [&all, &no_green, &no_red].map(|cones| (other, cones)))
                {
                    let pairs = seen(one, cones).into_iter().zip(seen(other, cones));
                    let apart = pairs.map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt();
                    assert!(apart > 0.1, "{one} and {other}: {apart}");
                }
            }
        }
    }
}
