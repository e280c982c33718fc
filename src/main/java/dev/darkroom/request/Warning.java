package dev.darkroom.request;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a request asks for and will hardly get, though it is drawn.
 *
 * @param code a stable word
 * @param field the field of the request
 * @param message for people
 */
public record Warning(Code code, String field, String message) {

    /** The stable words. */
    public enum Code {
        /** The model was taught few words, and these are not among them. */
        UNKNOWN_WORDS,
        /** Another program's syntax, which is text here. */
        FOREIGN_SYNTAX,
        /** The model was made for pictures of another size. */
        UNUSUAL_SIZE;

        /** The word in answers, for example {@code unknown_words}. */
        public String id() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    private static final int MOST_LISTED = 10;
    private static final int LONGEST = 40;

    /** Letters, or signs such as emoji. */
    private static final Pattern WORD = Pattern.compile("[\\p{L}\\p{M}]+|\\p{So}[\\p{So}\\p{Sk}\\p{Cf}\\p{M}]*");

    private static final Pattern BREAK = Pattern.compile("\\bBREAK\\b");

    /**
     * LoRAs and hypernetworks of the web UI, placeholders of textual inversion in diffusers, embeddings of ComfyUI, then the web UI's
     * schedules and alternations, and ComfyUI's choices.
     */
    private static final Pattern FOREIGN = Pattern.compile("<(?:lora|lyco|hypernet):[^<>]*>|<[\\w-]+>"
            + "|\\bembedding:(?!\\s*[\\d.]+\\s*\\))[\\w./-]+"
            + "|\\[[^\\[\\]:]*:(?:[^\\[\\]:]*:)?\\s*\\d*\\.?\\d+\\s*\\]|\\[[^\\[\\]|]*\\|[^\\[\\]]*\\]"
            + "|\\{[^{}|]*\\|[^{}]*\\}");

    /** What is to be said of a request to a model. */
    public static List<Warning> of(Request request, ModelInfo model) {
        List<Warning> warnings = new ArrayList<>();
        text(warnings, "prompt", request.prompt().text(), model);
        text(warnings, "negative_prompt", request.prompt().negative(), model);
        size(warnings, request, model);
        return List.copyOf(warnings);
    }

    private static void text(List<Warning> warnings, String field, String text, ModelInfo model) {
        Matcher syntax = FOREIGN.matcher(text);
        Set<String> foreign = new LinkedHashSet<>();
        while (syntax.find()) {
            foreign.add(syntax.group());
        }
        if (!foreign.isEmpty()) {
            warnings.add(new Warning(
                    Code.FOREIGN_SYNTAX, field, field + " has what is no more than text here: " + listed(foreign)));
        }
        if (model.words().isEmpty()) {
            return;
        }
        Matcher word = WORD.matcher(BREAK.matcher(syntax.replaceAll(" ")).replaceAll(" "));
        Set<String> unknown = new LinkedHashSet<>();
        while (word.find()) {
            String lower = word.group().toLowerCase(Locale.ROOT);
            if (!model.words().contains(lower)) {
                unknown.add(lower);
            }
        }
        if (!unknown.isEmpty()) {
            warnings.add(new Warning(
                    Code.UNKNOWN_WORDS, field, field + " has words that the model was not taught: " + listed(unknown)));
        }
    }

    /** Models draw well at about as many pixels as they were trained at, in any usual shape. */
    private static void size(List<Warning> warnings, Request request, ModelInfo model) {
        double area =
                (double) request.size().width() * request.size().height() / ((double) model.width() * model.height());
        double shape = (double) Math.max(request.size().width(), request.size().height())
                / Math.min(request.size().width(), request.size().height());
        if (area < 0.5 || area > 2 || shape > 4) {
            warnings.add(new Warning(
                    Code.UNUSUAL_SIZE,
                    "width",
                    "the model was made for pictures of about " + new Size(model.width(), model.height())
                            + " pixels; those of " + request.size() + " may look wrong"));
        }
    }

    private static String listed(Set<String> texts) {
        List<String> some =
                texts.stream().limit(MOST_LISTED).map(Warning::shortened).toList();
        int more = texts.size() - some.size();
        return String.join(", ", some) + (more > 0 ? " and " + more + " more" : "");
    }

    private static String shortened(String text) {
        return text.codePointCount(0, text.length()) > LONGEST
                ? text.substring(0, text.offsetByCodePoints(0, LONGEST)) + "..."
                : text;
    }
}
