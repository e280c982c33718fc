package dev.darkroom.library.hub;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model on a hub.
 *
 * @param organization who publishes it
 * @param name what they call it
 * @param revision branch, tag or commit
 */
public record ModelName(String organization, String name, String revision) {
    private static final String DEFAULT_REVISION = "main";
    private static final int MAX_LENGTH = 96;

    // "--" separates the parts in id(); hubs forbid it in names.
    private static final String WORD = "(?!.*(?:--|\\.\\.))[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9_])?";
    private static final Pattern NAME = Pattern.compile(WORD);
    private static final Pattern REVISION = Pattern.compile(WORD + "(?:/" + WORD + ")*");
    private static final Pattern WRITTEN = Pattern.compile("([^/@]+)/([^/@]+)(?:@(.+))?");

    /** @throws IllegalArgumentException if a part has characters that hubs do not allow */
    public ModelName {
        if (!fits(NAME, organization) || !fits(NAME, name) || !fits(REVISION, revision)) {
            throw notAName(written(organization, name, revision));
        }
    }

    private static boolean fits(Pattern pattern, String part) {
        return part.length() <= MAX_LENGTH && pattern.matcher(part).matches();
    }

    /**
     * @param text {@code org/name} or {@code org/name@revision}; the revision is {@code main} if not given
     * @throws IllegalArgumentException if it is not of that form
     */
    public static ModelName of(String text) {
        Matcher written = WRITTEN.matcher(text);
        if (!written.matches()) {
            throw notAName(text);
        }
        String revision = written.group(3);
        return new ModelName(written.group(1), written.group(2), revision == null ? DEFAULT_REVISION : revision);
    }

    private static IllegalArgumentException notAName(String given) {
        return new IllegalArgumentException(
                "a model on the hub is named org/name or org/name@revision; given: \"" + given + "\"");
    }

    /** The name of its folder in the models directory, and so its id in requests: {@code org--name[@revision]}. */
    public String id() {
        String id = organization + "--" + name;
        return revision.equals(DEFAULT_REVISION) ? id : id + "@" + revision.replace("/", "--");
    }

    @Override
    public String toString() {
        return written(organization, name, revision);
    }

    private static String written(String organization, String name, String revision) {
        return organization + "/" + name + (revision.equals(DEFAULT_REVISION) ? "" : "@" + revision);
    }
}
