package dev.darkroom.trainer;

import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A colour that a picture's main colour can be replaced by. Works in OKLCH (Björn Ottosson, "A perceptual color space for
 * image processing"), where lightness, chroma and hue are independent of each other for the eye.
 */
enum Colour {
    RED(0xF44336),
    ORANGE(0xFB8C00),
    YELLOW(0xFDD835),
    GREEN(0x5CB338),
    BLUE(0x1E88E5),
    PURPLE(0xAB47BC),
    PINK(0xFF7EB6),
    BROWN(0x8D5B4C),
    BLACK(0x404040),
    WHITE(0xF0F0F0),
    GREY(0x9E9E9E);

    /** Pixels of less chroma have no hue worth the name: white, grey and black. */
    private static final double COLOURLESS = 0.04;
    /** Hues up to this far from the main hue belong to it wholly; up to {@link #FADED} degrees in part. */
    private static final double BAND = 35;

    private static final double FADED = 55;

    /** Chroma below which a named colour is not about hue: black, white, grey, brown. */
    private static final double NO_HUE = 0.08;
    /** Hues this near, in degrees, go by one name. */
    private static final double ALIKE = 32;

    private final Lch lch;

    Colour(int rgb) {
        this.lch = Lch.of(rgb >> 16 & 0xff, rgb >> 8 & 0xff, rgb & 0xff);
    }

    /** The word for it: {@code red}. */
    String word() {
        return name().toLowerCase(Locale.ROOT);
    }

    static Colour of(String word) {
        return Arrays.stream(values())
                .filter(colour -> colour.word().equals(word))
                .findFirst()
                .orElseThrow(() -> new IllegalArgumentException("Unknown colour \"%s\", expected one of %s"
                        .formatted(
                                word, Arrays.stream(values()).map(Colour::word).toList())));
    }

    /**
     * Whether people would call the picture's main colour this: the hues are alike. Of black, white, grey and brown, which are
     * not hues, that is not asked.
     */
    boolean isMainColourOf(Icon picture) {
        Lch main = mainColour(pixels(picture));
        return lch.chroma < NO_HUE || (main != null && Math.abs(main.hueFrom(lch)) < ALIKE);
    }

    /** Whether the picture has a main colour that could be replaced. */
    static boolean isIn(Icon picture) {
        return mainColour(pixels(picture)) != null;
    }

    /**
     * The picture with its main colour replaced by this one. Shading stays: lightness and chroma are scaled about those of the
     * main colour, so that white stays white and black black. Other hues and colourless pixels are left alone.
     *
     * @throws IllegalArgumentException when the picture has no colour to replace
     */
    Icon replaceMainColourOf(Icon picture) {
        List<Lch> pixels = pixels(picture);
        Lch main = mainColour(pixels);
        if (main == null) {
            throw new IllegalArgumentException("The picture is colourless: it has no main colour to replace");
        }
        byte[] out = picture.rgb().clone();
        for (int i = 0; i < pixels.size(); i++) {
            Lch pixel = pixels.get(i);
            double share =
                    ramp(Math.abs(pixel.hueFrom(main)), FADED, BAND) * ramp(pixel.chroma / main.chroma, 0.08, 0.25);
            if (share > 0) {
                double l = pixel.lightness < main.lightness
                        ? pixel.lightness * lch.lightness / main.lightness
                        : 1 - (1 - pixel.lightness) * (1 - lch.lightness) / (1 - main.lightness);
                Lch replaced = new Lch(l, pixel.chroma * lch.chroma / main.chroma, lch.hue + pixel.hueFrom(main) / 2);
                int[] rgb = replaced.rgb();
                for (int c = 0; c < 3; c++) {
                    int old = picture.rgb()[i * 3 + c] & 0xff;
                    out[i * 3 + c] = (byte) Math.round(old + share * (rgb[c] - old));
                }
            }
        }
        return new Icon(picture.size(), out);
    }

    private static List<Lch> pixels(Icon picture) {
        return IntStream.range(0, picture.rgb().length / 3)
                .mapToObj(i -> Lch.of(
                        picture.rgb()[i * 3] & 0xff, picture.rgb()[i * 3 + 1] & 0xff, picture.rgb()[i * 3 + 2] & 0xff))
                .toList();
    }

    /** The mean hue about the peak of the hue histogram weighted by chroma; lightness and chroma are that band's medians. */
    private static @Nullable Lch mainColour(List<Lch> pixels) {
        double[] byHue = new double[36];
        for (Lch pixel : pixels) {
            if (pixel.chroma > COLOURLESS) {
                byHue[(int) (pixel.hue / 10) % 36] += pixel.chroma;
            }
        }
        int peak = IntStream.range(0, 36)
                .boxed()
                .max(Comparator.comparingDouble(i -> byHue[i] + byHue[(i + 1) % 36] + byHue[(i + 35) % 36]))
                .orElseThrow();
        Lch centre = new Lch(0, 0, peak * 10 + 5);
        List<Lch> band = pixels.stream()
                .filter(pixel -> pixel.chroma > COLOURLESS && Math.abs(pixel.hueFrom(centre)) < 20)
                .toList();
        if (band.isEmpty()) {
            return null;
        }
        double offset =
                band.stream().mapToDouble(p -> p.hueFrom(centre)).average().orElseThrow();
        return new Lch(
                median(band.stream().mapToDouble(Lch::lightness).toArray()),
                median(band.stream().mapToDouble(Lch::chroma).toArray()),
                centre.hue + offset);
    }

    private static double median(double[] values) {
        Arrays.sort(values);
        return values[values.length / 2];
    }

    /** 0 at {@code from}, 1 at {@code to}, straight between them. */
    private static double ramp(double value, double from, double to) {
        return Math.min(1, Math.max(0, (value - from) / (to - from)));
    }

    /** OKLCH: lightness 0–1, chroma 0–0.4, hue in degrees. */
    private record Lch(double lightness, double chroma, double hue) {
        static Lch of(int red, int green, int blue) {
            double r = linear(red / 255.0);
            double g = linear(green / 255.0);
            double b = linear(blue / 255.0);
            double l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
            double m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
            double s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
            double a2 = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
            double b2 = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
            double hue = Math.toDegrees(Math.atan2(b2, a2));
            return new Lch(
                    0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s,
                    Math.hypot(a2, b2),
                    hue < 0 ? hue + 360 : hue);
        }

        /** sRGB, 0–255 each; what lies outside it is clipped. */
        int[] rgb() {
            double a = chroma * Math.cos(Math.toRadians(hue));
            double b = chroma * Math.sin(Math.toRadians(hue));
            double l = Math.pow(lightness + 0.3963377774 * a + 0.2158037573 * b, 3);
            double m = Math.pow(lightness - 0.1055613458 * a - 0.0638541728 * b, 3);
            double s = Math.pow(lightness - 0.0894841775 * a - 1.2914855480 * b, 3);
            return new int[] {
                gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
                gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
                gamma(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s)
            };
        }

        /** Degrees from the other hue to this one, −180 to 180. */
        double hueFrom(Lch other) {
            return Math.IEEEremainder(hue - other.hue, 360);
        }

        private static double linear(double v) {
            return v <= 0.04045 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4);
        }

        private static int gamma(double v) {
            double encoded = v <= 0.0031308 ? 12.92 * v : 1.055 * Math.pow(v, 1 / 2.4) - 0.055;
            return (int) Math.round(255 * Math.min(1, Math.max(0, encoded)));
        }
    }
}
