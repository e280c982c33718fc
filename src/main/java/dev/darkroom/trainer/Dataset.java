package dev.darkroom.trainer;

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
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The captioned pictures the model in the jar learns from: emoji of several icon sets on white. The concepts of
 * {@code concepts.txt}, in every style that has them, and their recolourings are what it learns to draw; all other emoji are a pool from
 * which VAE and CLIP learn what pictures and words are like.
 */
final class Dataset {
    private static final int SUPERSAMPLING = 2;
    private static final String CACHE = "pictures.bin";
    /** Stands in every cache; changes with the way pictures are drawn. */
    private static final String CACHE_VERSION = "darkroom pictures 2";

    private final int size;
    private final List<Sample> samples;

    private Dataset(int size, List<Sample> samples) {
        this.size = size;
        this.samples = samples;
    }

    /** A picture as the cache keeps it; the colour as in {@link Sample}. */
    private record Drawn(
            String emoji, Style style, @Nullable Colour colour, boolean recoloured, Icon picture) {}

    /**
     * The icon sets, which {@code npm pack} fetches once into {@code work}; the drawn pictures are kept there too.
     *
     * @param concepts lines in the form of {@code concepts.txt}
     * @throws IOException when an icon set cannot be had; the message says how to bring it by hand
     */
    static Dataset prepare(Path work, Settings settings, String concepts) throws IOException {
        Map<Style, Path> sets = new EnumMap<>(Style.class);
        for (Style style : settings.pool() ? Style.values() : new Style[] {Style.NOTO}) {
            sets.put(style, style.source().fetch(work, "icons.json"));
        }
        return prepare(work, settings, sets, Emoji.fetch(work), concepts);
    }

    /** @param sets the {@code icons.json} of each style */
    static Dataset prepare(Path work, Settings settings, Map<Style, Path> sets, List<Emoji> emojis, String concepts)
            throws IOException {
        int size = settings.size();
        HeldOut heldOut = settings.pool() ? HeldOut.fixed() : HeldOut.NOTHING;
        Map<String, Emoji> byName = new LinkedHashMap<>();
        emojis.forEach(emoji -> byName.put(emoji.name(), emoji));
        Map<String, Concept> listed = new HashMap<>();
        for (Concept concept : Concept.parse(concepts)) {
            if (!byName.containsKey(concept.emoji())) {
                throw new IllegalArgumentException(
                        "Concept list: there is no emoji \"%s\" among %d".formatted(concept.emoji(), byName.size()));
            }
            listed.put(concept.emoji(), concept);
        }
        String key = key(size, sets.values(), concepts, byName.keySet());
        Path cache = work.resolve(CACHE);
        List<Drawn> drawn = readCache(cache, key, size);
        if (drawn == null) {
            drawn = new ArrayList<>();
            for (Map.Entry<Style, Path> set : sets.entrySet()) {
                IconSet icons = IconSet.read(set.getValue());
                List<Emoji> wanted = settings.pool()
                        ? emojis
                        : emojis.stream()
                                .filter(emoji -> listed.containsKey(emoji.name()))
                                .toList();
                drawn.addAll(icons(icons, wanted).entrySet().parallelStream()
                        .flatMap(icon -> draw(icons, icon.getValue(), icon.getKey(), set.getKey(), size, listed))
                        .toList());
            }
            writeCache(cache, key, drawn);
        }
        List<Sample> samples = new ArrayList<>();
        for (Drawn picture : drawn) {
            Emoji emoji = byName.get(picture.emoji);
            if (emoji == null) {
                throw new IllegalStateException(picture.emoji);
            }
            Concept concept = listed.get(picture.emoji);
            Sample.Use use = heldOut.contains(picture.emoji, picture.style)
                    ? Sample.Use.HELD_OUT
                    : concept == null ? Sample.Use.POOL : Sample.Use.LISTED;
            samples.add(new Sample(
                    concept == null ? Concept.of(emoji) : concept,
                    picture.style,
                    picture.colour,
                    picture.recoloured,
                    picture.recoloured ? List.of() : emoji.keywords(),
                    use,
                    picture.picture));
        }
        return new Dataset(size, List.copyOf(samples));
    }

    /** The icon of each emoji; none where two emoji answer to the names of one, because then one of them is wrong. */
    private static Map<Emoji, String> icons(IconSet icons, List<Emoji> emojis) {
        Map<Emoji, String> found = new LinkedHashMap<>();
        emojis.forEach(emoji -> icons.find(emoji).ifPresent(icon -> found.put(emoji, icon)));
        Set<String> once = new HashSet<>();
        Set<String> more =
                found.values().stream().filter(icon -> !once.add(icon)).collect(Collectors.toSet());
        found.values().removeIf(more::contains);
        return found;
    }

    /** The emoji as the icon set has it, and recoloured where the concept asks for that. */
    private static Stream<Drawn> draw(
            IconSet icons, String icon, Emoji emoji, Style style, int size, Map<String, Concept> listed) {
        Icon large = icons.render(icon, size * SUPERSAMPLING);
        Icon picture = large.shrunk(SUPERSAMPLING);
        Concept concept = listed.get(emoji.name());
        if (concept == null) {
            return Stream.of(new Drawn(emoji.name(), style, null, false, picture));
        }
        Colour colour = concept.colour();
        if (colour != null && !colour.isMainColourOf(picture)) {
            // This designer chose another colour: the caption must not name it, and needs to where others bear the
            // noun.
            return concept.first().contains(true)
                    ? Stream.of(new Drawn(emoji.name(), style, null, false, picture))
                    : Stream.empty();
        }
        return Stream.concat(
                Stream.of(new Drawn(emoji.name(), style, colour, false, picture)),
                concept.recolours().stream()
                        .filter(other -> Colour.isIn(large))
                        .map(other -> new Drawn(
                                emoji.name(),
                                style,
                                other,
                                true,
                                other.replaceMainColourOf(large).shrunk(SUPERSAMPLING))));
    }

    /** Width and height of every picture in pixels. */
    int size() {
        return size;
    }

    /** All samples of these uses, in a fixed order. */
    List<Sample> samples(Sample.Use... uses) {
        List<Sample.Use> wanted = List.of(uses);
        return samples.stream().filter(sample -> wanted.contains(sample.use())).toList();
    }

    /** The picture that a prompt of evaluation asks for, if it is there for this use. */
    Optional<Sample> find(EvaluationPrompt prompt, Sample.Use use) {
        return samples.stream()
                .filter(sample -> sample.use() == use && prompt.asksFor(sample))
                .findFirst();
    }

    /**
     * Writes the folder of a CLIP tokenizer in which every word of the captions is one token.
     *
     * @param maxLength tokens a prompt is padded or cut to, start and end included
     * @return the number of tokens it knows
     */
    int writeTokenizer(Path folder, int maxLength) throws IOException {
        List<Sample> learnt = samples(Sample.Use.LISTED, Sample.Use.POOL);
        Set<String> words = new LinkedHashSet<>(Captions.vocabulary(
                learnt.stream().map(Sample::concept).distinct().toList()));
        learnt.forEach(sample -> words.addAll(sample.keywords()));
        TokenizerBuilder tokenizer = TokenizerBuilder.learn(words);
        tokenizer.write(folder, maxLength);
        return tokenizer.vocabulary().size();
    }

    /** How many pictures of each style there are, and for what: one line a style. */
    String counts() {
        StringBuilder text = new StringBuilder();
        for (Style style : Style.values()) {
            List<Sample> own =
                    samples.stream().filter(sample -> sample.style() == style).toList();
            text.append("%-8s %5d pictures, of them %4d listed, %4d recoloured, %4d held out%n"
                    .formatted(
                            style.word(),
                            own.size(),
                            count(own, Sample.Use.LISTED),
                            own.stream().filter(Sample::recoloured).count(),
                            count(own, Sample.Use.HELD_OUT)));
        }
        return text.toString();
    }

    private static long count(List<Sample> samples, Sample.Use use) {
        return samples.stream().filter(sample -> sample.use() == use).count();
    }

    /** The pictures the model learns to draw with their titles, as one PNG for people to look at. */
    void contactSheet(Path png) throws IOException {
        Sheet sheet = new Sheet(Math.max(8, 2048 / size));
        samples(Sample.Use.LISTED).forEach(sample -> sheet.add(sample.picture(), sample.title()));
        sheet.write(png);
    }

    /** Names what the pictures were drawn from: a cache with another key is drawn anew. */
    private static String key(int size, Collection<Path> sets, String concepts, Set<String> emojis) throws IOException {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            digest.update((CACHE_VERSION + size + concepts + emojis).getBytes(StandardCharsets.UTF_8));
            for (Path set : sets) {
                digest.update(Files.readAllBytes(set));
            }
            return CACHE_VERSION + " " + HexFormat.of().formatHex(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    /** The cached pictures; null when there are none or they were drawn from something else. */
    private static @Nullable List<Drawn> readCache(Path cache, String key, int size) throws IOException {
        if (!Files.exists(cache)) {
            return null;
        }
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(cache)))) {
            if (!in.readUTF().equals(key)) {
                return null;
            }
            List<Drawn> drawn = new ArrayList<>();
            for (int left = in.readInt(); left > 0; left--) {
                String emoji = in.readUTF();
                Style style = Style.of(in.readUTF());
                String colour = in.readUTF();
                boolean recoloured = in.readBoolean();
                drawn.add(new Drawn(
                        emoji,
                        style,
                        colour.isEmpty() ? null : Colour.of(colour),
                        recoloured,
                        new Icon(size, in.readNBytes(size * size * 3))));
            }
            return drawn;
        } catch (EOFException | UTFDataFormatException | IllegalArgumentException e) {
            return null;
        }
    }

    private static void writeCache(Path cache, String key, List<Drawn> drawn) throws IOException {
        AtomicFiles.write(cache, out -> {
            DataOutputStream data = new DataOutputStream(out);
            data.writeUTF(key);
            data.writeInt(drawn.size());
            for (Drawn picture : drawn) {
                data.writeUTF(picture.emoji);
                data.writeUTF(picture.style.word());
                data.writeUTF(picture.colour == null ? "" : picture.colour.word());
                data.writeBoolean(picture.recoloured);
                data.write(picture.picture.rgb());
            }
            data.flush();
        });
    }
}
