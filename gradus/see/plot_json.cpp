// Plots as JSON, for programs that draw themselves; see plot_run.h.
#include <gradus/see/plot_run.h>

#include <nlohmann/json.hpp>

namespace gradus::see {
namespace {

using Object = nlohmann::ordered_json;

Object of_axis(const Axis& axis) { return {{"label", axis.label}, {"log", axis.log}}; }

Object of_grid(const Grid& grid) {
  return {{"rows", grid.rows}, {"columns", grid.columns}, {"values", grid.values}};
}

Object object_of(const LinePlot& plot) {
  Object series = Object::array(), guides = Object::array();
  for (const Series& s : plot.series)
    series.push_back({{"name", s.name}, {"raw", s.faint}, {"x", s.x}, {"y", s.y}});
  for (const auto& [value, name] : plot.guides) guides.push_back({{"y", value}, {"name", name}});
  return {{"kind", "lines"},      {"title", plot.title},         {"x", of_axis(plot.x)},
          {"y", of_axis(plot.y)}, {"series", std::move(series)}, {"guides", std::move(guides)}};
}

Object object_of(const Heatmap& map) {
  Object marks = Object::array();
  for (const auto& [place, words] : map.y.marks) marks.push_back({{"y", place}, {"name", words}});
  return {{"kind", "map"},
          {"title", map.title},
          {"x", of_axis(map.x)},
          {"y", of_axis(map.y)},
          {"left", map.left},
          {"right", map.right},
          {"bottom", map.bottom},
          {"top", map.top},
          {"legend", map.legend},
          {"marks", std::move(marks)},
          {"grid", of_grid(map.grid)}};
}

Object object_of(const Table& table) {
  return {{"kind", "table"},       {"title", table.title}, {"x", of_axis(table.x)},
          {"y", of_axis(table.y)}, {"names", table.names}, {"counts", table.counts}};
}

Object object_of(const Gallery& gallery) {
  Object images = Object::array();
  for (const Gallery::Tile& tile : gallery.tiles)
    images.push_back({{"caption", tile.caption}, {"grid", of_grid(tile.grid)}});
  return {{"kind", "images"}, {"title", gallery.title}, {"images", std::move(images)}};
}

}  // namespace

std::string json_text(const NamedPlot& plot) {
  Object object = {{"picture", plot.name}};
  object.update(std::visit([](const auto& p) { return object_of(p); }, plot.plot));
  // Names come from files: bytes that are no UTF-8 are replaced, not thrown at.
  return object.dump(-1, ' ', false, Object::error_handler_t::replace);
}

}  // namespace gradus::see
