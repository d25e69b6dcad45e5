package file

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/HugoSmits86/nativewebp"
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"github.com/casarerpa/fleet/internal/engine"
)

// maxPixels bounds a picture before it is unpacked: 64 million take 256 MB.
const maxPixels = 64 << 20

// conversion is what a picture becomes.
type conversion struct {
	format    string
	extension string
	quality   int
	percent   int
	overwrite bool
}

// convertImages turns one picture, or those of a folder, into another format.
func convertImages(ctx context.Context, c *engine.Call) (engine.Result, error) {
	source, err := need(c, "source_path", "file_path")
	if err != nil {
		return engine.Result{}, err
	}
	conv, err := newConversion(c)
	if err != nil {
		return engine.Result{}, err
	}
	files := c.Host().Files()
	root, err := files.Path(source)
	if err != nil {
		return engine.Result{}, explain(err, source)
	}
	info, err := files.Stat(source)
	if err != nil {
		return engine.Result{}, explain(err, source)
	}
	var target string
	var made []any
	if info.IsDir() {
		target, made, err = conv.folder(ctx, c, root)
	} else {
		target, err = conv.single(ctx, c, root)
		made = []any{target}
	}
	if err != nil {
		return engine.Result{}, err
	}
	c.Set("output_path", target)
	c.Set("files", made)
	c.Set("file_count", int64(len(made)))
	c.Set("format", conv.format)
	return engine.Continue(), nil
}

func newConversion(c *engine.Call) (conversion, error) {
	conv := conversion{format: strings.ToUpper(c.Text("output_format")), overwrite: c.Bool("overwrite")}
	switch conv.format {
	case "", "JPEG", "JPG":
		conv.format, conv.extension = "JPEG", ".jpg"
	case "PNG", "WEBP", "BMP", "GIF":
		conv.extension = "." + strings.ToLower(conv.format)
	default:
		return conv, engine.Fail("ValueError", "Unsupported format: %s. Supported: PNG, JPEG, WEBP, BMP, GIF", conv.format)
	}
	quality, err := c.Int("quality", 85)
	if err != nil || quality < 1 || quality > 100 {
		return conv, engine.Fail("ValueError", "quality must be between 1 and 100")
	}
	conv.quality = int(quality)
	percent := strings.TrimSuffix(strings.TrimSpace(c.Text("scale_percent")), "%")
	if percent == "" {
		percent = "100"
	}
	n, err := strconv.Atoi(percent)
	if err != nil || n < 1 || n > 100 {
		return conv, engine.Fail("ValueError", "scale_percent must be between 1%% and 100%%, not %s", c.Text("scale_percent"))
	}
	conv.percent = n
	return conv, nil
}

// single converts one file. Without a target the new file stands beside the
// old one, and a target that is a folder keeps the name.
func (conv conversion) single(ctx context.Context, c *engine.Call, source string) (string, error) {
	files := c.Host().Files()
	stem := strings.TrimSuffix(source, filepath.Ext(source))
	target := c.Text("output_path")
	if target == "" {
		target = stem + conv.extension
		if target == source && !conv.overwrite {
			target = stem + "_converted" + conv.extension
		}
		return conv.write(ctx, files, source, target)
	}
	info, err := files.Stat(target)
	if strings.HasSuffix(filepath.ToSlash(target), "/") || err == nil && info.IsDir() {
		target = filepath.Join(target, filepath.Base(stem)+conv.extension)
	}
	return conv.write(ctx, files, source, target)
}

// folder converts every picture of a folder into another folder.
func (conv conversion) folder(ctx context.Context, c *engine.Call, root string) (string, []any, error) {
	files := c.Host().Files()
	name := c.Text("output_path")
	if name == "" {
		name = filepath.Join(root, "converted")
	}
	target, err := files.Path(name)
	if err != nil {
		return "", nil, explain(err, name)
	}
	if info, err := files.Stat(name); err == nil && !info.IsDir() {
		return "", nil, engine.Fail("ValueError", "output_path must be a folder when source_path is one: %s", name)
	}
	pictures, err := glob(ctx, files, root, "*", c.Bool("recursive"))
	if err != nil {
		return "", nil, err
	}
	made := []any{}
	for _, p := range pictures {
		if !p.info.Mode().IsRegular() || !isPicture(p.path) {
			continue
		}
		rel, err := filepath.Rel(root, strings.TrimSuffix(p.path, filepath.Ext(p.path))+conv.extension)
		if err != nil {
			return "", nil, fmt.Errorf("name the picture %s: %w", p.path, err)
		}
		path, err := conv.write(ctx, files, p.path, filepath.Join(target, rel))
		if err != nil {
			return "", nil, err
		}
		made = append(made, path)
	}
	if len(made) == 0 {
		return "", nil, engine.Fail("ValueError", "No images found in folder: %s", root)
	}
	return target, made, nil
}

func isPicture(path string) bool {
	switch strings.ToLower(filepath.Ext(path)) {
	case ".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif":
		return true
	}
	return false
}

func (conv conversion) write(ctx context.Context, files engine.Files, source, target string) (string, error) {
	if _, err := files.Stat(target); err == nil && !conv.overwrite {
		return "", engine.Fail("FileExistsError", "Destination already exists: %s", target)
	}
	data, err := load(ctx, files, source, 0)
	if err != nil {
		return "", err
	}
	img, err := decodeImage(data, source)
	if err != nil {
		return "", err
	}
	img = conv.scale(img)
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if err := makeParents(files, target); err != nil {
		return "", err
	}
	// Encoded in memory first, so that a failure leaves an old file as it was.
	var out bytes.Buffer
	if err := conv.encode(&out, img); err != nil {
		return "", engine.Fail("OSError", "Cannot write %s as %s: %s", source, conv.format, err)
	}
	return store(files, target, engine.Truncate, out.Bytes())
}

// decoders are tried by what the file says of itself, not by its name.
func decodeImage(data []byte, name string) (image.Image, error) {
	var config func(io.Reader) (image.Config, error)
	var decode func(io.Reader) (image.Image, error)
	switch head := string(data[:min(len(data), 16)]); {
	case strings.HasPrefix(head, "\x89PNG"):
		config, decode = png.DecodeConfig, png.Decode
	case strings.HasPrefix(head, "\xff\xd8"):
		config, decode = jpeg.DecodeConfig, jpeg.Decode
	case strings.HasPrefix(head, "GIF8"):
		config, decode = gif.DecodeConfig, gif.Decode
	case strings.HasPrefix(head, "BM"):
		config, decode = bmp.DecodeConfig, bmp.Decode
	case strings.HasPrefix(head, "RIFF") && strings.HasPrefix(head[min(len(head), 8):], "WEBP"):
		config, decode = webp.DecodeConfig, webp.Decode
	default:
		return nil, engine.Fail("UnidentifiedImageError", "Cannot identify the picture %s", name)
	}
	size, err := config(bytes.NewReader(data))
	if err != nil {
		return nil, engine.Fail("UnidentifiedImageError", "Cannot read the picture %s: %s", name, err)
	}
	if size.Width <= 0 || size.Height <= 0 || size.Width > maxPixels/size.Height {
		return nil, engine.Fail("ValueError", "The picture %s has %d x %d pixels, more than the %d allowed",
			name, size.Width, size.Height, maxPixels)
	}
	img, err := decode(bytes.NewReader(data))
	if err != nil {
		return nil, engine.Fail("UnidentifiedImageError", "Cannot read the picture %s: %s", name, err)
	}
	return img, nil
}

func (conv conversion) scale(img image.Image) image.Image {
	if conv.percent == 100 {
		return img
	}
	side := func(n int) int {
		return max(1, int(math.RoundToEven(float64(n)*float64(conv.percent)/100)))
	}
	to := image.NewNRGBA(image.Rect(0, 0, side(img.Bounds().Dx()), side(img.Bounds().Dy())))
	draw.CatmullRom.Scale(to, to.Bounds(), img, img.Bounds(), draw.Src, nil)
	return to
}

// encode writes the picture. WebP is written without loss, because no encoder
// with loss exists in Go; the quality counts for JPEG alone.
func (conv conversion) encode(w io.Writer, img image.Image) error {
	switch conv.format {
	case "PNG":
		return (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(w, img)
	case "BMP":
		return bmp.Encode(w, img)
	case "GIF":
		return gif.Encode(w, img, nil)
	case "WEBP":
		return nativewebp.Encode(w, img, nil)
	default:
		// JPEG has no transparency: what shines through becomes white.
		flat := image.NewRGBA(img.Bounds())
		draw.Draw(flat, flat.Bounds(), image.NewUniform(color.White), image.Point{}, draw.Src)
		draw.Draw(flat, flat.Bounds(), img, img.Bounds().Min, draw.Over)
		return jpeg.Encode(w, flat, &jpeg.Options{Quality: conv.quality})
	}
}
