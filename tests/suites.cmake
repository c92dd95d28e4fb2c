# cmake -D program=PROGRAM -D file=FILE -D environment=NAME=VALUE -P suites.cmake
# Writes a file for CTest in which each suite of a program of tests is one test: for programs of
# which the start takes longer than most cases. What a suite's cases said is shown if one fails.
execute_process(COMMAND ${program} --gtest_list_tests OUTPUT_VARIABLE cases TIMEOUT 120
                COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "\n[A-Za-z0-9_/]+\\." suites "\n${cases}")  # cases stand behind blanks
if(NOT suites)
  message(FATAL_ERROR "${program} has no tests:\n${cases}")
endif()
# Not one whole suite may be skipped in silence; one that fails or leaks says more behind these lines.
set(skipped [=[\[  PASSED  \] 0 tests\.\n\[  SKIPPED \] [^\n]*\n(\[  SKIPPED \] [^\n]*\n)+$]=])
string(REPLACE "\\n" "\n" skipped "${skipped}")
set(script "")
foreach(suite ${suites})
  string(REGEX REPLACE "\n(.+)\\." "\\1" suite "${suite}")
  string(APPEND script
         "add_test([==[${suite}]==] [==[${program}]==] [==[--gtest_filter=${suite}.*]==])\n"
         "set_tests_properties([==[${suite}]==] PROPERTIES TIMEOUT 1800 ENVIRONMENT ${environment}\n"
         "  SKIP_REGULAR_EXPRESSION [==[${skipped}]==])\n")
endforeach()
file(WRITE ${file} "${script}")
