// Statistics as fields of a JSON object: of the results at a stop, and of what `pp` sums up.
#pragma once

#include <gradus/see/statistics.h>
#include <gradus/see/words.h>

namespace gradus::see {

template <class Json>
void add_statistics(Json& j, const Statistics& s) {
  j.update({{"min", json_number<Json>(s.min)},
            {"max", json_number<Json>(s.max)},
            {"mean", json_number<Json>(s.mean)},
            {"std", json_number<Json>(s.std)},
            {"l2", json_number<Json>(s.l2)},
            {"zeros", s.zeros},
            {"nan", s.nans},
            {"inf", s.plus_inf + s.minus_inf}});
}

}  // namespace gradus::see
