package dev.darkroom.trainer;

import java.awt.Color;
import java.awt.Font;
import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;
import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UTFDataFormatException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;

/**
 * The captioned pictures the model in the jar learns from: every concept of {@code concepts.txt} and its recolourings, drawn
 * from the Noto icon set, {@value #SIZE}×{@value #SIZE} on white. Beside them stands a wider pool without captions for the VAE,
 * which has to learn edges and colours, not names.
 */
public final class Dataset {
    /** Width and height of every picture in pixels. */
    public static final int SIZE = 64;

    private static final String ICON_PACKAGE = "@iconify-json/noto@1.2.9";
    private static final int SUPERSAMPLING = 4;
    private static final int CHANNELS = 3;
    private static final int BYTES = SIZE * SIZE * CHANNELS;
    private static final String CACHE = "pictures.bin";
    /** Stands in every cache; changes with the way pictures are drawn. */
    private static final String CACHE_VERSION = "darkroom pictures 1";

    private static final double RECOLOURING_WEIGHT = 0.5;

    /** Icons the VAE does not need: near-copies by the hundred, and writing. */
    private static final Pattern NOT_FOR_VAE = Pattern.compile(".*(-tone|-tone\\d|oclock|-thirty|button|-sign)(-.*)?"
            + "|(flag|keycap|digit|letter|input|couple|kiss|family|people|men|women|japanese)-.*|.?\\d?");

    private final List<Concept> concepts;
    private final List<Captions> captions;
    private final List<Double> weights;
    private final List<Picture> pictures;
    private final List<Picture> vaePictures;

    private Dataset(List<Subject> subjects, List<Picture> pictures, List<Picture> vaePictures) {
        this.concepts = subjects.stream().map(Subject::concept).distinct().toList();
        this.captions =
                subjects.stream().map(s -> new Captions(s.concept, s.colour)).toList();
        this.weights = subjects.stream()
                .map(s -> s.colour == null ? 1 : RECOLOURING_WEIGHT)
                .toList();
        this.pictures = pictures;
        this.vaePictures = vaePictures;
    }

    /** What is on one picture. */
    private record Subject(Concept concept, @Nullable Colour colour) {
        static List<Subject> of(List<Concept> concepts) {
            return concepts.stream()
                    .flatMap(concept -> Stream.concat(
                            Stream.of(new Subject(concept, null)),
                            concept.recolours().stream().map(colour -> new Subject(concept, colour))))
                    .toList();
        }
    }

    /**
     * Concepts drawn from the Noto icons, which {@code npm pack} fetches once into {@code workDir}; the drawn pictures are kept
     * there too.
     *
     * @param concepts a file in the form of {@code concepts.txt}; null is that one
     * @throws IOException when the icon set cannot be had; the message says how to bring it by hand
     */
    public static Dataset prepare(Path workDir, @Nullable Path concepts) throws IOException {
        String text = concepts == null ? Concept.builtInText() : Files.readString(concepts);
        return prepare(workDir, IconSet.fetch(ICON_PACKAGE, workDir), text);
    }

    static Dataset prepare(Path workDir, IconSet icons, String concepts) throws IOException {
        List<Subject> subjects = Subject.of(Concept.parse(concepts));
        List<String> vaeIcons = icons.names().stream()
                .filter(name -> !NOT_FOR_VAE.matcher(name).matches())
                .toList();
        String key = key(icons, concepts);
        Path cache = workDir.resolve(CACHE);
        List<Picture> all = readCache(cache, key, subjects.size() + vaeIcons.size());
        if (all == null) {
            all = new ArrayList<>();
            for (Subject subject : subjects) {
                all.add(draw(icons, subject.concept.icon(), subject.colour));
            }
            for (String icon : vaeIcons) {
                all.add(draw(icons, icon, null));
            }
            writeCache(cache, key, all);
        }
        List<Picture> pictures = List.copyOf(all.subList(0, subjects.size()));
        List<Picture> recoloured = new ArrayList<>(all.subList(subjects.size(), all.size()));
        for (int i = 0; i < subjects.size(); i++) {
            if (subjects.get(i).colour != null) {
                recoloured.add(pictures.get(i));
            }
        }
        return new Dataset(subjects, pictures, List.copyOf(recoloured));
    }

    /** How many captioned pictures there are. */
    public int size() {
        return pictures.size();
    }

    /** Picture {@code i}: red, green, blue of each pixel, 0–255, row by row; {@value #SIZE} · {@value #SIZE} · 3 bytes. */
    public byte[] rgb(int i) {
        return pictures.get(i).rgb().clone();
    }

    /** Picture {@code i} as the networks take it: [3, {@value #SIZE}, {@value #SIZE}], −1 to 1. */
    public float[] image(int i) {
        return View.WHOLE.of(pictures.get(i));
    }

    /**
     * Picture {@code i}, now and then mirrored (when {@code mirrored} allows), smaller (down to 0.85 about the centre) or up to 3
     * pixels aside, padded with white: [3, {@value #SIZE}, {@value #SIZE}], −1 to 1.
     */
    public float[] image(int i, Random random, boolean mirrored) {
        return View.draw(random, mirrored).of(pictures.get(i));
    }

    /** A caption of picture {@code i}, drawn from the many ways to ask for it. */
    public String caption(int i, Random random) {
        return captions.get(i).draw(random);
    }

    /** The plainest caption that means picture {@code i}: "a blue car". */
    public String title(int i) {
        return captions.get(i).title();
    }

    /** How often picture {@code i} is to be drawn in training, relative to the others; recolourings weigh less. */
    public double weight(int i) {
        return weights.get(i);
    }

    /**
     * Writes the folder of a CLIP tokenizer in which every word of the captions is one token.
     *
     * @param maxLength tokens a prompt is padded or cut to, start and end included
     * @return the number of tokens it knows
     */
    public int writeTokenizer(Path folder, int maxLength) throws IOException {
        TokenizerBuilder tokenizer = TokenizerBuilder.learn(Captions.vocabulary(concepts));
        tokenizer.write(folder, maxLength);
        return tokenizer.vocabulary().size();
    }

    /** How many pictures the VAE learns from: the icon set without near-copies, and the recolourings. */
    public int vaeSize() {
        return vaePictures.size();
    }

    /** Picture {@code i} of the VAE's, varied like {@link #image(int, Random, boolean)} with mirroring. */
    public float[] vaeImage(int i, Random random) {
        return View.draw(random, true).of(vaePictures.get(i));
    }

    /** All pictures with their titles, as one PNG for people to look at. */
    public void contactSheet(Path png) throws IOException {
        int columns = 16;
        int cellWidth = SIZE + 32;
        int cellHeight = SIZE + 24;
        BufferedImage sheet = new BufferedImage(
                columns * cellWidth, (size() + columns - 1) / columns * cellHeight, BufferedImage.TYPE_INT_RGB);
        Graphics2D g = sheet.createGraphics();
        try {
            g.setColor(Color.WHITE);
            g.fillRect(0, 0, sheet.getWidth(), sheet.getHeight());
            g.setColor(Color.BLACK);
            g.setFont(new Font(Font.SANS_SERIF, Font.PLAIN, 9));
            g.setRenderingHint(RenderingHints.KEY_TEXT_ANTIALIASING, RenderingHints.VALUE_TEXT_ANTIALIAS_ON);
            for (int i = 0; i < size(); i++) {
                int left = i % columns * cellWidth;
                int top = i / columns * cellHeight;
                Picture picture = pictures.get(i);
                for (int y = 0; y < SIZE; y++) {
                    for (int x = 0; x < SIZE; x++) {
                        sheet.setRGB(
                                left + (cellWidth - SIZE) / 2 + x,
                                top + 4 + y,
                                picture.value(x, y, 0) << 16 | picture.value(x, y, 1) << 8 | picture.value(x, y, 2));
                    }
                }
                int width = g.getFontMetrics().stringWidth(title(i));
                g.drawString(title(i), left + Math.max(0, (cellWidth - width) / 2), top + SIZE + 15);
            }
        } finally {
            g.dispose();
        }
        AtomicFiles.write(png, out -> ImageIO.write(sheet, "png", out));
    }

    private static Picture draw(IconSet icons, String icon, @Nullable Colour colour) {
        Picture large = icons.render(icon, SIZE * SUPERSAMPLING);
        return (colour == null ? large : colour.replaceMainColourOf(large)).shrunk(SUPERSAMPLING);
    }

    /** Names what the pictures were drawn from: a cache with another key is drawn anew. */
    private static String key(IconSet icons, String concepts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((CACHE_VERSION + concepts).getBytes(StandardCharsets.UTF_8));
            icons.addTo(digest);
            return CACHE_VERSION + " " + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    /** The cached pictures; null when there are none or they were drawn from something else. */
    private static @Nullable List<Picture> readCache(Path cache, String key, int count) throws IOException {
        if (!Files.exists(cache)) {
            return null;
        }
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(cache)))) {
            if (!in.readUTF().equals(key)) {
                return null;
            }
            List<Picture> pictures = new ArrayList<>();
            for (int i = 0; i < count; i++) {
                pictures.add(new Picture(SIZE, in.readNBytes(BYTES)));
            }
            return pictures;
        } catch (EOFException | UTFDataFormatException | IllegalArgumentException e) {
            return null;
        }
    }

    private static void writeCache(Path cache, String key, List<Picture> pictures) throws IOException {
        AtomicFiles.write(cache, out -> {
            DataOutputStream data = new DataOutputStream(out);
            data.writeUTF(key);
            for (Picture picture : pictures) {
                data.write(picture.rgb());
            }
            data.flush();
        });
    }
}
